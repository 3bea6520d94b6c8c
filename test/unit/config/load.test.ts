import fc from 'fast-check';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig, type LoadedConfig, MAX_CONFIG_BYTES } from '../../../src/config/load.ts';
import { DEFAULT_CONFIG, PROVIDER_NAMES } from '../../../src/config/schema.ts';
import { hasErrors, type Problem } from '../../../src/problems/problem.ts';

/** Loads one configuration file with this text, or these bytes. */
function load(content: string | Uint8Array, path = '.choo.yml'): LoadedConfig {
  const bytes = Buffer.from(content);
  return loadConfig([{ path, size: bytes.byteLength, content: bytes }]);
}

/** `line:column code field`, for comparing whole reports. */
function places({ problems }: LoadedConfig): string[] {
  return problems.map(({ line, column, code, field = '' }) => `${line}:${column} ${code} ${field}`.trim());
}

/** A text as a YAML value, whatever is in it. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007F-\u009F]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

const GOOD = `target_branch: main
specs_dir: specs/tasks
parallelism: 2
provider:
  type: codex
  providers:
    claude: { model: large, args: [--quiet, x] }
    codex: { model: small, command: /opt/codex }
baseline_checks:
  - { name: lint, command: npm run lint, pattern: "**/*.ts" }
worktree:
  setup: [{ command: npm ci, if: package-lock.json }]
  teardown: [{ command: npm run clean }]
  relocatable: true
limits:
  attempts: 5
  unit_cost: 2.5
  task_timeout: 90s
checkout: { submodules: true, lfs: true }
services: [{ command: db, ready: db-ready }]
verify: false
gate_retries: 2
strict_gates: true
strict_judge: true
protect: [{ paths: [db/migrations], level: ask }]
env: { TZ: UTC, PORT: '5432' }
skip_green: true
run_on: push
require_review: true
draft_on_failure: false
commits:
  sign_off: true
pull_requests: { labels: [generated], reviewers: [alice, acme/core], assign_requester: true }
`;

describe('a configuration without faults', () => {
  test('is the defaults when there is no file', () => {
    expect(loadConfig([])).toEqual({ config: DEFAULT_CONFIG, file: undefined, problems: [] });
  });

  test.each([
    ['nothing', ''],
    ['comments', '# later\n\n# limits:\n'],
    ['an empty mapping', '{}\n'],
  ])('is the defaults when the file holds %s', (_, text) => {
    expect(load(text)).toEqual({ config: DEFAULT_CONFIG, file: '.choo.yml', problems: [] });
  });

  test('has the defaults the manual names', () => {
    expect(DEFAULT_CONFIG).toEqual({
      specs_dir: 'specs/tasks',
      specs: [],
      parallelism: 4,
      provider: { providers: {} },
      baseline_checks: [],
      strict_gates: false,
      strict_judge: false,
      protect: [],
      env: {},
      checkout: { submodules: false, lfs: false },
      worktree: { setup: [], teardown: [], relocatable: false },
      services: [],
      limits: {
        review_rounds: 2,
        attempts: 3,
        unit_tokens: 3_000_000,
        run_tokens: 20_000_000,
        task_timeout: 30 * 60_000,
        idle_timeout: 10 * 60_000,
        gate_timeout: 5 * 60_000,
      },
      verify: true,
      gate_retries: 1,
      skip_green: false,
      run_on: 'request',
      require_review: false,
      draft_on_failure: true,
      update: 'when_needed',
      on_conflict: 'person',
      delete_merged: true,
      pull_requests: { labels: [], reviewers: [], assign_requester: false },
      commits: { sign_off: false },
    });
  });

  test('takes every key, and keeps the default of each that is left out', () => {
    expect(load(GOOD)).toEqual({
      file: '.choo.yml',
      providerAt: { line: 5, column: 9 },
      limitsAt: {
        parallelism: { line: 3, column: 14 },
        'limits.attempts': { line: 16, column: 13 },
        'limits.unit_cost': { line: 17, column: 14 },
        'limits.task_timeout': { line: 18, column: 17 },
      },
      problems: [],
      config: {
        target_branch: 'main',
        specs_dir: 'specs/tasks',
        specs: [],
        parallelism: 2,
        provider: {
          type: 'codex',
          providers: {
            claude: { model: 'large', args: ['--quiet', 'x'] },
            codex: { model: 'small', command: '/opt/codex' },
          },
        },
        baseline_checks: [{ name: 'lint', command: 'npm run lint', pattern: '**/*.ts' }],
        env: { TZ: 'UTC', PORT: '5432' },
        checkout: { submodules: true, lfs: true },
        worktree: {
          setup: [{ command: 'npm ci', if: 'package-lock.json' }],
          teardown: [{ command: 'npm run clean' }],
          relocatable: true,
        },
        services: [{ command: 'db', ready: 'db-ready' }],
        limits: { ...DEFAULT_CONFIG.limits, attempts: 5, unit_cost: 2.5, task_timeout: 90_000 },
        verify: false,
        gate_retries: 2,
        strict_gates: true,
        strict_judge: true,
        protect: [{ paths: ['db/migrations'], level: 'ask' }],
        skip_green: true,
        run_on: 'push',
        require_review: true,
        draft_on_failure: false,
        update: 'when_needed',
        on_conflict: 'person',
        delete_merged: true,
        pull_requests: { labels: ['generated'], reviewers: ['alice', 'acme/core'], assign_requester: true },
        commits: { sign_off: true },
      },
    });
  });

  test.each([
    ['CRLF line ends', GOOD.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${GOOD}`],
  ])('reads the same with %s', (_, text) => {
    expect(load(text)).toEqual(load(GOOD));
  });
});

test.each([
  ["labels: ['choo:run']", false],
  ["labels: ['CHOO:hold']", false],
  ["labels: ['']", false],
  ["labels: ['a\\nb']", true],
  ['labels: ["a\\nb"]', false],
  [`labels: ['${'x'.repeat(51)}']`, false],
  ["labels: ['good first issue']", true],
  ["reviewers: ['@alice']", false],
  ['reviewers: [alice, acme/core-team]', true],
  ["reviewers: ['acme/../../x']", false],
  ["reviewers: ['a b']", false],
])('pull_requests: { %s } is valid: %s', (setting, isValid) => {
  expect(load(`pull_requests: { ${setting} }\n`).problems.length === 0).toBe(isValid);
});

/** One planted fault: where it stands, and what is said about it. */
interface Fault {
  readonly what: string;
  readonly text: string;
  readonly at: string;
  readonly code: string;
  readonly field?: string;
  readonly got?: string;
  readonly hint?: string;
  readonly message?: string;
}

const FAULTS: readonly Fault[] = [
  {
    what: 'an unknown key at the top, with the key that was meant',
    text: '# mine\nparalelism: 2\n',
    at: '2:1',
    code: 'config-unknown-key',
    field: 'paralelism',
    hint: 'did you mean `parallelism`?',
    message: '`paralelism` is not a key choo knows',
  },
  {
    what: 'an unknown key that resembles none, with all there are',
    text: 'limits:\n  colour: red\n',
    at: '2:3',
    code: 'config-unknown-key',
    field: 'limits.colour',
    hint: 'known here: attempts, unit_tokens, unit_cost, run_tokens, run_cost, review_rounds, review_cost, task_timeout, idle_timeout, gate_timeout',
  },
  {
    what: 'an unknown key inside a mapping',
    text: 'limits:\n  attempts: 3\n  task_timout: 5m\n',
    at: '3:3',
    code: 'config-unknown-key',
    field: 'limits.task_timout',
    hint: 'did you mean `task_timeout`?',
  },
  {
    what: 'an unknown key inside an item of a list',
    text: 'baseline_checks:\n  - { name: a, command: a }\n  - name: lint\n    comand: lint\n    command: lint\n',
    at: '4:5',
    code: 'config-unknown-key',
    field: 'baseline_checks.1.comand',
    hint: 'did you mean `command`?',
  },
  {
    what: 'an unknown key of a provider',
    text: 'provider:\n  providers:\n    claude: { modell: large }\n',
    at: '3:15',
    code: 'config-unknown-key',
    field: 'provider.providers.claude.modell',
    hint: 'did you mean `model`?',
  },
  {
    what: 'a misspelt provider as a key of `provider.providers`',
    text: 'provider:\n  providers:\n    claude: {}\n    codx: {}\n',
    at: '4:5',
    code: 'config-unknown-key',
    field: 'provider.providers.codx',
    hint: 'did you mean `codex`?',
  },
  {
    what: 'a misspelt provider in `provider.type`',
    text: 'provider:\n  type: cluade\n',
    at: '2:9',
    code: 'config-value',
    field: 'provider.type',
    got: 'cluade',
    hint: 'did you mean `claude`?',
    message: `\`provider.type\` must be one of ${PROVIDER_NAMES.join(', ')}`,
  },
  {
    what: 'a list where there is one value',
    text: 'specs_dir: [a, b]\n',
    at: '1:12',
    code: 'config-value',
    field: 'specs_dir',
  },
  {
    what: 'text where there is a number',
    text: 'parallelism: many\n',
    at: '1:14',
    code: 'config-value',
    field: 'parallelism',
    got: 'many',
    message: '`parallelism` must be a whole number from 1 to 100',
  },
  {
    what: 'text where there is true or false',
    text: 'skip_green: yes\n',
    at: '1:13',
    code: 'config-value',
    field: 'skip_green',
    got: 'yes',
    message: '`skip_green` must be true or false',
  },
  {
    what: 'one value where there is a list',
    text: 'baseline_checks: npm test\n',
    at: '1:18',
    code: 'config-value',
    field: 'baseline_checks',
    got: 'npm test',
  },
  {
    what: 'a number below its range',
    text: 'limits:\n  attempts: 0\n',
    at: '2:13',
    code: 'config-value',
    field: 'limits.attempts',
    got: '0',
    message: '`limits.attempts` must be a whole number from 1 to 20',
  },
  {
    what: 'a number above its range',
    text: 'parallelism: 101\n',
    at: '1:14',
    code: 'config-value',
    field: 'parallelism',
    got: '101',
  },
  {
    what: 'a broken number',
    text: 'parallelism: 1.5\n',
    at: '1:14',
    code: 'config-value',
    field: 'parallelism',
    got: '1.5',
  },
  {
    what: 'a cost of nothing',
    text: 'limits: { run_cost: 0 }\n',
    at: '1:21',
    code: 'config-value',
    field: 'limits.run_cost',
    got: '0',
  },
  {
    what: 'a key that is missing in an item of a list, at the item',
    text: 'baseline_checks:\n  - { name: a, command: a }\n  - command: lint\n',
    at: '3:5',
    code: 'config-value',
    field: 'baseline_checks.1.name',
    message: '`baseline_checks.1.name` is missing',
  },
  {
    what: 'a glob that is too long',
    text: `baseline_checks:\n  - name: a\n    command: a\n    pattern: ${'a*'.repeat(101)}\n`,
    at: '4:14',
    code: 'config-value',
    field: 'baseline_checks.0.pattern',
    message: '`baseline_checks.0.pattern` must be a glob pattern of 1 to 200 characters',
  },
  {
    what: 'a glob whose braces stand for very many',
    text: `baseline_checks:\n  - name: a\n    command: a\n    pattern: "${'{a,b}'.repeat(40)}"\n`,
    at: '4:14',
    code: 'config-value',
    field: 'baseline_checks.0.pattern',
    message:
      '`baseline_checks.0.pattern` must be a glob pattern whose braces expand to at most 100 patterns, of 1000 characters together',
  },
  {
    what: 'more checks than anybody runs',
    text: `baseline_checks:\n${'  - { name: a, command: a }\n'.repeat(51)}`,
    at: '2:3',
    code: 'config-value',
    field: 'baseline_checks',
    message: '`baseline_checks` must be a list of at most 50 checks',
  },
  {
    what: 'a command that is only blanks',
    text: 'worktree:\n  setup:\n    - command: "  "\n',
    at: '3:16',
    code: 'config-value',
    field: 'worktree.setup.0.command',
    got: '  ',
  },
  {
    what: 'a condition outside of the repository',
    text: 'worktree:\n  setup: [{ command: a, if: ../b }]\n',
    at: '2:29',
    code: 'config-value',
    field: 'worktree.setup.0.if',
    got: '../b',
  },
  {
    what: 'a YAML list instead of keys',
    text: '\n- parallelism\n',
    at: '2:1',
    code: 'config-shape',
  },
  {
    what: 'a sentence instead of keys',
    text: 'use claude\n',
    at: '1:1',
    code: 'config-shape',
  },
  {
    what: 'invalid YAML, at its line',
    text: 'verify: true\nlimits:\n\tattempts: 2\n',
    at: '3:1',
    code: 'config-yaml',
    message: 'not valid YAML: tabs are not allowed as indentation',
  },
  {
    what: 'invalid YAML below CRLF lines',
    text: 'verify: true\r\n\r\nspecs_dir: @here\r\n',
    at: '3:12',
    code: 'config-yaml',
  },
  {
    what: 'a key that stands twice, at the second',
    text: 'limits:\n  attempts: 1\n  unit_tokens: 9\n  attempts: 2\n',
    at: '4:3',
    code: 'config-yaml',
    message: 'not valid YAML: the key `attempts` appears twice',
  },
  {
    what: 'a key that is no text',
    text: 'verify: true\n? [a, b]\n: 1\n',
    at: '2:3',
    code: 'config-yaml',
  },
  {
    what: 'a `__proto__` key inside a mapping',
    text: 'limits:\n  __proto__: { attempts: 9 }\n',
    at: '2:3',
    code: 'config-unknown-key',
    field: 'limits.__proto__',
  },
];

describe('a fault', () => {
  test.each(FAULTS)('is reported: $what', ({ text, at, ...expected }) => {
    const loaded = load(text);
    const { what: _, ...details } = expected;
    const [line, column] = at.split(':').map(Number);
    expect(loaded.problems).toEqual([expect.any(Object)]);
    expect(loaded.problems[0]).toMatchObject({
      severity: 'error',
      file: '.choo.yml',
      line,
      column,
      ...details,
    });
    expect(loaded.config).toBeUndefined();
  });

  test('is reported under the name of the file it stands in', () => {
    const loaded = load('verify: maybe\n', '.github/choo.yml');
    expect(loaded).toMatchObject({ file: '.github/choo.yml', problems: [{ file: '.github/choo.yml' }] });
  });

  test('is reported together with every other', () => {
    const loaded = load(
      [
        'paralelism: 2',
        'verify: maybe',
        'limits:',
        '  attempts: 0',
        '  task_timeout: soon',
        '  patience: 1',
        'provider: { type: cluade, providers: { codx: {} } }',
        'baseline_checks:',
        '  - name: x',
        '  - { name: y, command: y, patern: z }',
        'merge: true',
      ].join('\n'),
    );
    expect(places(loaded).sort(byPlace)).toEqual([
      '1:1 config-unknown-key paralelism',
      '2:9 config-value verify',
      '4:13 config-value limits.attempts',
      '5:17 config-value limits.task_timeout',
      '6:3 config-unknown-key limits.patience',
      '7:19 config-value provider.type',
      '7:40 config-unknown-key provider.providers.codx',
      '9:5 config-value baseline_checks.0.command',
      '10:28 config-unknown-key baseline_checks.1.patern',
      '11:1 config-legacy-key merge',
    ]);
    expect(loaded.config).toBeUndefined();
  });

  test('is one problem, however many rules a value breaks', () => {
    expect(places(load('parallelism: 99999999999999999999\n'))).toEqual(['1:14 config-value parallelism']);
  });
});

function byPlace(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

describe('the message', () => {
  test.each([
    ['a key with nothing behind it', 'limits:\n'],
    ['one value instead of keys', 'provider: claude\n'],
    ['a list instead of keys', 'limits: [3]\n'],
    ['a number among texts', 'provider: { providers: { claude: { args: [1] } } }\n'],
    ['nesting that is too deep', `limits: ${'['.repeat(10_000)}`],
  ])('speaks of the file and not of the machine that reads it: %s', (_, text) => {
    const messages = load(text).problems.map(({ message }) => message.toLowerCase());
    expect(messages).not.toEqual([]);
    for (const message of messages)
      expect(message).not.toMatch(/call stack|invalid input|expected object|\bnull\b/);
  });

  test('names an alias that points nowhere, at its place', () => {
    const loaded = load('verify: true\nparallelism: *many\n');
    expect(places(loaded)).toEqual(['2:14 config-yaml']);
    expect(loaded.problems[0]?.message).toContain('many');
  });

  test('does not call a value missing that an alias stands for', () => {
    const check = '&check { name: a, command: b, pattern: [] }';
    const loaded = load(`baseline_checks:\n  - ${check}\n  - *check\n`);
    expect(loaded.problems.map(({ message }) => message).join('\n')).not.toContain('missing');
  });
});

describe('the place', () => {
  test('counts no byte order mark', () => {
    expect(places(load('\uFEFFverify: maybe\n'))).toEqual(['1:9 config-value verify']);
  });

  test('lies in the file behind a stray bracket', () => {
    const text = 'limits:\n]x\nverify: true\n';
    for (const problem of load(text).problems) expect(problem).toSatisfy(isTold(text));
  });
});

describe('a file that cannot be read', () => {
  test('is reported when there is a second one, and neither counts', () => {
    const [first, second] = [Buffer.from('parallelism: 2\n'), Buffer.from('parallelism: 3\n')];
    const loaded = loadConfig([
      { path: '.choo.yml', size: first.byteLength, content: first },
      { path: '.github/choo.yml', size: second.byteLength, content: second },
    ]);
    expect(loaded).toEqual({
      config: undefined,
      file: '.choo.yml',
      problems: [
        {
          severity: 'error',
          code: 'config-two-files',
          message: 'there are two configurations: this one and `.choo.yml`',
          file: '.github/choo.yml',
          line: 1,
          column: 1,
          hint: 'keep one of .choo.yml, .choo.yaml, .github/choo.yml',
        },
      ],
    });
  });

  test('is reported for what is wrong in the first of two as well', () => {
    const content = Buffer.from('verify: maybe\n');
    const file = { path: '.choo.yml', size: content.byteLength, content };
    const loaded = loadConfig([file, { ...file, path: '.choo.yaml' }]);
    expect(loaded.problems.map(({ file, code }) => `${file} ${code}`)).toEqual([
      '.choo.yaml config-two-files',
      '.choo.yml config-value',
    ]);
  });

  test.each([
    [
      'too large',
      { size: MAX_CONFIG_BYTES + 1, content: undefined },
      'the configuration is larger than 64 KiB',
    ],
    [
      'no regular file',
      { size: 0, content: undefined },
      'the configuration could not be read as a regular file',
    ],
    [
      'not UTF-8',
      { size: 3, content: Uint8Array.of(0x61, 0xff, 0x0a) },
      'the configuration is not UTF-8 text',
    ],
    ['binary', { size: 3, content: Uint8Array.of(0x61, 0x00, 0x0a) }, 'the configuration is not UTF-8 text'],
  ])('is reported when it is %s', (_, file, message) => {
    expect(loadConfig([{ path: '.choo.yml', ...file }])).toEqual({
      config: undefined,
      file: '.choo.yml',
      problems: [
        { severity: 'error', code: 'config-unreadable', file: '.choo.yml', line: 1, column: 1, message },
      ],
    });
  });

  test('is reported when its aliases would expand to billions of values', () => {
    const levels = Array.from({ length: 12 }, (_, index) => {
      const items = Array.from({ length: 10 }, () => (index === 0 ? 'x' : `*l${index - 1}`)).join(', ');
      return `l${index}: &l${index} [${items}]\n`;
    });
    const loaded = load(levels.join(''));
    expect(loaded.problems).toMatchObject([{ severity: 'error', code: 'config-yaml' }]);
    expect(loaded.config).toBeUndefined();
  });

  test('is reported when an alias stands for what it is part of', () => {
    const loaded = load('verify: true\nlimits: &limits\n  attempts: *limits\n');
    expect(loaded.problems).toMatchObject([{ severity: 'error', code: 'config-yaml', line: 3, column: 13 }]);
  });

  test.each([
    ['closed brackets', `limits: ${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    ['open brackets', `limits: ${'['.repeat(10_000)}`],
    ['braces', '{a: '.repeat(10_000)],
    ['dashes', '- '.repeat(10_000)],
  ])('is reported when it is nested 10,000 deep in %s', (_, text) => {
    const loaded = load(text);
    expect(loaded.problems.map(({ code }) => code)).toContain('config-yaml');
    expect(loaded.config).toBeUndefined();
  });

  test('is reported when a second document stands below the first', () => {
    expect(places(load('verify: true\n---\nparallelism: 9\n'))).toEqual(['2:1 config-yaml']);
  });
});

describe('a key of an older choo', () => {
  test.each([
    ['claude:\n  command: claude-next\n', ['2:3 claude.command']],
    ['claude:\n  max_turns: 3\n', ['2:3 claude.max_turns']],
    ['claude: { command: a, other: b }\n', ['1:11 claude.command', '1:23 claude.other']],
    ['claude: large\n', ['1:1 claude']],
    ['github:\n  owner: us\n  repo: it\n', ['2:3 github.owner', '3:3 github.repo']],
    ['merge: true\n', ['1:1 merge']],
    ['review:\n', ['1:1 review']],
    ['review:\n  required: 2\n', ['2:3 review.required']],
    ['feature: []\n', ['1:1 feature']],
    ['code_review: { enabled: true }\n', ['1:16 code_review.enabled']],
    ['log_level: debug\n', ['1:1 log_level']],
  ])('gets a notice at its place and has no effect: %j', (text, expected) => {
    const { config, problems } = load(text);
    expect(problems.map(({ line, column, field = '' }) => `${line}:${column} ${field}`)).toEqual(expected);
    for (const { severity, code, field, message, hint } of problems) {
      expect({ severity, code, message }).toEqual({
        severity: 'notice',
        code: 'config-legacy-key',
        message: `\`${field ?? ''}\` is a key of an older choo and has no effect`,
      });
      expect(hint).toMatch(/\w{3}/);
    }
    expect(config).toEqual(DEFAULT_CONFIG);
  });

  test('says for `claude.command` where to write it now', () => {
    expect(load('claude: { command: x }\n').problems[0]?.hint).toContain('provider.providers.claude.command');
  });

  test('leaves the keys beside it in force', () => {
    expect(load('merge: true\nparallelism: 7\n').config).toEqual({ ...DEFAULT_CONFIG, parallelism: 7 });
  });

  test('is unknown anywhere but at the top', () => {
    expect(places(load('limits:\n  merge: true\n'))).toEqual(['2:3 config-unknown-key limits.merge']);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('is not found in `%s`', (key) => {
    expect(places(load(`${key}: 1\n`))).toEqual([`1:1 config-unknown-key ${key}`]);
  });
});

describe('a `__proto__` key', () => {
  test('sets nothing', () => {
    const { config } = load('__proto__: { parallelism: 9, verify: false }\nspecs_dir: mine\n');
    expect(config ?? DEFAULT_CONFIG).toMatchObject({ parallelism: 4, verify: true });
    expect({}).not.toHaveProperty('parallelism');
  });

  test('is no name of a provider', () => {
    const loaded = load('provider:\n  providers:\n    __proto__: { model: x }\n');
    expect(places(loaded)).toEqual(['3:5 config-unknown-key provider.providers.__proto__']);
  });
});

describe('a duration', () => {
  test('becomes milliseconds', () => {
    const milliseconds = { s: 1_000, m: 60_000, h: 3_600_000 };
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 86_400 })),
        fc.constantFrom('s' as const, 'm' as const, 'h' as const),
        (number, unit) => {
          fc.pre(number * milliseconds[unit] <= 86_400_000);
          const { config } = load(`limits: { gate_timeout: ${number}${unit} }\n`);
          expect(config?.limits.gate_timeout).toBe(number * milliseconds[unit]);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each([
    '30',
    '0s',
    '1.5h',
    '-5m',
    '+5m',
    '5M',
    '1d',
    '5 m',
    '05m',
    '5m30s',
    'm',
    '""',
    '5 minutes',
    '[]',
  ])('is not %s', (written) => {
    const loaded = load(`limits:\n  idle_timeout: ${written}\n`);
    expect(places(loaded)).toEqual(['2:17 config-value limits.idle_timeout']);
    expect(loaded.problems[0]?.message).toBe(
      '`limits.idle_timeout` must be a duration: a number and `s`, `m` or `h`, for example `90s`, `5m` or `2h`',
    );
  });
});

describe('what no run can use up', () => {
  test.each([
    ['gate_timeout', '999999h', 'a duration of at most `24h`'],
    ['task_timeout', '86401s', 'a duration of at most `24h`'],
    ['run_cost', '1e308', 'an amount in US dollars, more than 0 and at most 1000000'],
    ['unit_cost', '1000000.01', 'an amount in US dollars, more than 0 and at most 1000000'],
  ])('is refused: %s of %s', (key, written, wanted) => {
    const loaded = load(`limits:\n  ${key}: ${written}\n`);
    expect(loaded.config).toBeUndefined();
    expect(loaded.problems[0]?.message).toBe(`\`limits.${key}\` must be ${wanted}`);
  });

  test.each([
    ['gate_timeout', '24h', 86_400_000],
    ['run_cost', '1000000', 1_000_000],
  ] as const)('may be the most there is: %s of %s', (key, written, read) => {
    expect(load(`limits: { ${key}: ${written} }\n`).config?.limits[key]).toBe(read);
  });
});

describe('specs_dir', () => {
  test.each(['specs', 'docs/specs.d', 'a b/ü', '.choo/specs', '..specs', 'a/..b/-c', '...'])(
    'may be %j',
    (path) => {
      expect(load(`specs_dir: ${quoted(path)}\n`).config?.specs_dir).toBe(path);
    },
  );

  test.each([
    ...['../x', '/etc', 'a/../b', 'a/..', '..', '.', './a', 'a/./b', 'a//b', 'a/', '', '-x', '--help'],
    ...['a\\b', '\\\\host\\share', 'a\0b', 'a\nb', 'a\u001B[31m', 'a\u007Fb', 'a/\n/b'],
  ])('cannot be %j', (path) => {
    expect(places(load(`# here\nspecs_dir: ${quoted(path)}\n`))).toEqual(['2:12 config-value specs_dir']);
  });

  test('is a way down from the root of the repository, whatever is written', () => {
    const piece = fc.constantFrom(
      '..',
      '/',
      'a',
      '..',
      '/',
      'a',
      '.',
      '-',
      '\\',
      '~',
      ' ',
      '\0',
      '\n',
      '\u202E',
      '%2e',
    );
    const path = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(path, (written) => {
        const isWayDown =
          posix.join('/repository', written) === `/repository/${written}` && !written.endsWith('/');
        const isHarmless = !/^-|\\|[\u0000-\u001F]/.test(written);
        expect(load(`specs_dir: ${quoted(written)}\n`).config?.specs_dir).toBe(
          isWayDown && isHarmless ? written : undefined,
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

// What `git check-ref-format --branch` says of each.
describe('target_branch', () => {
  test.each(['main', 'release/1.x', 'a.LOCK', 'a/-b', '@', 'a@b', 'ü', 'a}', 'a.lockb'])(
    'may be %j',
    (name) => {
      expect(load(`target_branch: ${quoted(name)}\n`).config?.target_branch).toBe(name);
    },
  );

  test.each([
    ...['', '-a', '.a', 'a/.b', 'a..b', 'a b', 'a~1', 'a^', 'a:b', 'a?', 'a*', 'a[b', 'a\\b', 'a@{b'],
    ...['a/', '/a', 'a//b', 'a.', 'a.lock', 'a.lock/b', 'a\nb', 'a\u007Fb', 'HEAD'],
  ])('cannot be %j', (name) => {
    expect(places(load(`target_branch: ${quoted(name)}\n`))).toEqual(['1:16 config-value target_branch']);
  });
});

describe('any text', () => {
  const piece = fc.constantFrom(
    ...'-:#[]{},"\'&*!|>%@`?~\n\t a1',
    ...['\n  ', ': ', '- ', '&a ', '*a', '<<: ', '---\n', '...\n', '? ', '!!map ', '!!set ', '!!binary '],
    ...['null', '\uFEFF', '"\\x1b"', '\0', '__proto__: ', 'limits: ', 'provider: ', 'claude: '],
    ...['baseline_checks: ', 'worktree: ', 'verify: ', '\r\n', '%YAML 1.1\n', '\u2028', '\uD800'],
  );
  const pieces = fc.array(piece, { maxLength: 40 }).map((all) => all.join(''));
  const mutation = fc
    .tuple(
      fc.nat(GOOD.length),
      fc.nat(30),
      fc.array(piece, { maxLength: 5 }).map((all) => all.join('')),
    )
    .map(([at, length, text]) => GOOD.slice(0, at) + text + GOOD.slice(at + length));

  test('is a configuration, or errors that say where and what', () => {
    fc.assert(
      fc.property(fc.oneof(mutation, pieces, fc.string({ unit: 'binary' })), (text) => {
        const { config, problems } = load(text);
        expect(config === undefined).toBe(hasErrors(problems));
        for (const problem of problems) expect(problem).toSatisfy(isTold(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test('may be any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const { config, problems } = load(bytes);
        expect(config === undefined).toBe(hasErrors(problems));
      }),
      { numRuns: 300 },
    );
  });

  const many = (line: (index: number) => string, length = 4_000): string =>
    Array.from({ length }, (_, index) => line(index)).join('');

  test.each([
    ['unknown keys', many((index) => `k${index}: 1\n`)],
    ['keys of an older choo', `claude:\n${many((index) => `  k${index}: 1\n`)}`],
    ['unknown providers', `provider:\n  providers:\n${many((index) => `    k${index}: {}\n`)}`],
    ['aliases', `a: &a 1\nb: [${many(() => '*a, ', 6_000)}]\n`],
    ['anchors and aliases', `a: &k 1\n${many((index) => `k${index}: [&k${index} 1, *k]\n`, 1_500)}`],
  ])('takes a time that grows with its length, though it be nothing but %s', (_, text) => {
    const before = process.threadCpuUsage();
    const { problems } = load(text);
    const { user, system } = process.threadCpuUsage(before); // microseconds, whatever else the machine does
    expect(problems).not.toEqual([]);
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });
});

/** Whether a problem of this text says something, at a place that the text has. */
function isTold(text: string): (problem: Problem) => boolean {
  const lines = text.split('\n');
  return ({ line, column, message, hint }) =>
    column >= 1 &&
    column <= (lines[line - 1]?.length ?? -1) + 1 &&
    message !== '' &&
    (hint === undefined || typeof hint === 'string');
}
