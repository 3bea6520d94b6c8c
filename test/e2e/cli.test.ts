import { Ajv } from 'ajv';
import { mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import configSchema from '../../schema/choo.schema.json' with { type: 'json' };
import planSchema from '../../schema/plan.schema.json' with { type: 'json' };
import { type Plan, planSchema as planShape } from '../../src/plan/schema.ts';
import { compareText } from '../../src/problems/problem.ts';
import { commitFiles, git, writeFiles } from '../helpers/git-repository.ts';
import { planText, taskText } from '../helpers/memory-tree.ts';
import { unitFiles } from '../helpers/plan-of.ts';
import { CHOO, runChoo, runProgram } from '../helpers/run-choo.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

type Files = Readonly<Record<string, string>>;

/** A directory of its own with these files. */
async function projectOf(files: Files): ReturnType<typeof temporaryDirectory> {
  const place = await temporaryDirectory();
  await writeFiles(place.path, files);
  return place;
}

/** `web` waits for `api`, `api` waits for `base`; `docs` is alone. */
const SHOP: Files = {
  ...unitFiles('base'),
  ...unitFiles('api', { dependsOn: ['base'], statuses: ['complete', 'pending'] }),
  ...unitFiles('web', { dependsOn: ['api'] }),
  ...unitFiles('docs'),
};

/** Every file below a directory and its bytes. */
async function bytesOf(root: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = await Promise.all(
    files.toSorted().map(async (file) => [relative(root, file), await readFile(file, 'base64')] as const),
  );
  return Object.fromEntries(contents);
}

/** The plan as `--json` prints it. */
async function planOf(cwd: string, args: readonly string[] = [], environment: Files = {}): Promise<Plan> {
  const { stdout } = await runChoo(cwd, ['plan', '--json', ...args], environment);
  return planShape.parse(JSON.parse(stdout));
}

const T = 'specs/tasks';
const CRLF = `\uFEFF${taskText({ task: '2' }).replaceAll('\n', '\r\n')}`;

/** Twelve faults, each in a file of its own, and what must be said of it. */
const FAULTS: readonly (readonly [path: string, text: string, told: string])[] = [
  ['.choo.yml', 'verify: true\ncode_review:\n  enabled: true\n', '3:3 notice config-legacy-key'],
  [`${T}/circle-a/IMPLEMENTATION_PLAN.md`, planText({ depends_on: '[circle-b]' }), '2:14 error unit-cycle'],
  [`${T}/gap/03-c.md`, taskText({ task: '3' }), '2:7 warning task-gap'],
  [`${T}/no-front-matter/02-b.md`, '# Only text\n', '1:1 error front-matter-missing'],
  [`${T}/no-gate/02-b.md`, taskText({ task: '2', backpressure: undefined }), '1:1 error field-missing'],
  [`${T}/quoted/02-b.md`, taskText({ task: '"2"' }), '2:7 notice quoted-integer'],
  [
    `${T}/scalar/IMPLEMENTATION_PLAN.md`,
    planText({ unit: 'scalar', depends_on: 'good' }),
    '3:13 notice scalar-list',
  ],
  [`${T}/status/02-b.md`, taskText({ task: '2', status: 'compleet' }), '3:9 error status-unknown'],
  [`${T}/task-circle/01-a.md`, taskText({ depends_on: '[2]' }), '5:14 error task-cycle'],
  [
    `${T}/task-unknown/02-b.md`,
    taskText({ task: '2', depends_on: '[1, 7]' }),
    '5:17 error task-dependency-unknown',
  ],
  [`${T}/twice/02-b.md`, taskText({ task: '1' }), '2:7 error task-duplicate'],
  [
    `${T}/unit-unknown/IMPLEMENTATION_PLAN.md`,
    '---\ndepends_on:\n  - good\n  - goood\n---\n',
    '4:5 error unit-dependency-unknown',
  ],
];

/** The faults among good files: each in its own unit, beside a good plan and a good first task. */
const FAULTY: Files = {
  ...Object.fromEntries(
    FAULTS.filter(([path]) => path.startsWith(T)).flatMap(([path]) => {
      const unit = path.split('/').slice(0, 3).join('/');
      return [
        [`${unit}/IMPLEMENTATION_PLAN.md`, planText()],
        [`${unit}/01-a.md`, taskText()],
      ];
    }),
  ),
  [`${T}/circle-b/IMPLEMENTATION_PLAN.md`]: planText({ depends_on: '[circle-a]' }),
  [`${T}/circle-b/01-a.md`]: taskText(),
  [`${T}/task-circle/02-b.md`]: taskText({ task: '2', depends_on: '[1]' }),
  [`${T}/good/IMPLEMENTATION_PLAN.md`]: '---\ndepends_on: []\n---',
  [`${T}/good/01-a.md`]: taskText(),
  [`${T}/good/02-b.md`]: CRLF,
  ...Object.fromEntries(FAULTS.map(([path, text]) => [path, text])),
};

describe.concurrent('choo check', () => {
  test('reports twelve faults in twelve files at their places, and nothing else', async () => {
    await using place = await projectOf(FAULTY);
    const { stdout, stderr, exitCode } = await runChoo(place.path, ['check']);
    const told = stdout.split('\n').filter((line) => !line.startsWith('  hint: '));
    expect(told.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      ...FAULTS.map(([path, , at]) => `${path}:${at.split(' ').slice(0, 2).join(' ')}`),
      '13 units,',
      'docs/checks.md explains',
      '',
    ]);
    expect(told.at(-3)).toBe('13 units, 8 errors, 1 warning, 3 notices');
    const codes = new Set(FAULTS.map(([, , at]) => at.split(' ')[2] ?? ''));
    expect(told.at(-2)).toBe(`docs/checks.md explains ${[...codes].sort(compareText).join(', ')}`);
    expect(stdout).toContain('(got `compleet`)\n  hint: did you mean `complete`?\n');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 1 });
  });

  test('says the same as JSON', async () => {
    await using place = await projectOf(FAULTY);
    const { stdout, exitCode } = await runChoo(place.path, ['check', '--json']);
    const { problems, ...rest } = JSON.parse(stdout) as { ok: boolean; problems: Plan['problems'] };
    expect(rest).toEqual({ version: 1, ok: false, units: 13 });
    expect(
      problems.list.map(
        ({ file, line, column, severity, code }) => `${file} ${line}:${column} ${severity} ${code}`,
      ),
    ).toEqual(FAULTS.map(([path, , told]) => `${path} ${told}`));
    expect(problems).toMatchObject({ errors: 8, warnings: 1, notices: 3, dropped: 0 });
    expect(exitCode).toBe(1);
  });

  test('says the same as annotations for GitHub', async () => {
    await using place = await projectOf(FAULTY);
    const { stdout, exitCode } = await runChoo(place.path, ['check', '--format', 'github']);
    expect(stdout.split('\n').map((line) => line.slice(0, line.indexOf('::', 2)))).toEqual([
      ...FAULTS.map(([path, , told]) => {
        const [at = '', severity = '', code = ''] = told.split(' ');
        const [line = '', column = ''] = at.split(':');
        return `::${severity} file=${path},line=${line},col=${column},title=choo%3A ${code}`;
      }),
      '',
    ]);
    expect(exitCode).toBe(1);
  });

  test('escapes what an annotation would take for its own', async () => {
    await using place = await projectOf({
      ...unitFiles('a', { statuses: [] }),
      [`${T}/a/01-a,b:c%.md`]: taskText({ status: '"50%, x::y"' }),
    });
    const { stdout } = await runChoo(place.path, ['check', '--format=github']);
    expect(stdout).toBe(
      '::error file=specs/tasks/a/01-a%2Cb%3Ac%25.md,line=3,col=9,title=choo%3A status-unknown::' +
        '`status` is not a status choo knows (got `50%25, x::y`)' +
        '%0Ahint: one of: pending, in_progress, complete, failed\n',
    );
  });

  test('finds the project above the current directory and shows paths that lead to it', async () => {
    await using place = await projectOf({ ...SHOP, '.choo.yml': 'verify: maybe\n', 'src/deep/x.ts': '' });
    const { stdout } = await runChoo(join(place.path, 'src/deep'), ['check']);
    expect(stdout).toContain('../../.choo.yml:1:9 error ');
  });

  // `choo plan` reports it, so a tree that passes the check cannot run.
  test('reports a provider that a unit misspells', async () => {
    await using place = await projectOf(unitFiles('a', { provider: 'cluade' }));
    const { stdout, exitCode } = await runChoo(place.path, ['check']);
    expect(stdout).toContain(`${T}/a/IMPLEMENTATION_PLAN.md:3:11 error `);
    expect(exitCode).toBe(1);
  });
});

describe.concurrent('the exit status', () => {
  test.each([
    ['0 when all is well', ['check'], SHOP, 0],
    ['0 when nothing is worse than a warning', ['check'], { ...SHOP, [`${T}/api/4-x.md`]: 'x' }, 0],
    ['1 when something is an error', ['check'], { ...SHOP, '.choo.yml': 'verify: maybe\n' }, 1],
    ['1 when there is nothing to check', ['check'], {}, 1],
    ['2 for a directory that is not there', ['check', 'nowhere'], SHOP, 2],
    ['2 for two options that cannot be together', ['check', '--json', '--format', 'github'], SHOP, 2],
    ['0 when the plan can run', ['plan'], SHOP, 0],
    ['1 when a problem keeps the plan from running', ['plan'], { ...SHOP, '.choo.yml': '- x\n' }, 1],
    ['2 for a provider that is not there', ['plan', '--provider', 'cluade'], SHOP, 2],
    ['2 for an argument too many', ['plan', 'a', 'b'], SHOP, 2],
    ['2 for no command at all', [], SHOP, 2],
  ])('is %s: %j', async (_, args, files, expected) => {
    await using place = await projectOf(files);
    const { exitCode, stderr } = await runChoo(place.path, args);
    expect(exitCode).toBe(expected);
    expect(stderr === '').toBe(expected < 2); // a mistake of the caller is told on stderr, a problem is a result
  });
});

describe.concurrent('choo plan', () => {
  test('shows waves, tasks, gates, providers and the critical path', async ({ expect }) => {
    await using place = await projectOf(SHOP);
    const { stdout } = await runChoo(place.path, ['plan']);
    expect(stdout.replace(place.path, '<here>')).toMatchInlineSnapshot(`
      "4 units in 3 waves, 4 tasks to do
      specs/tasks in <here>

      Wave 1
        base  1 task  claude (default)
           1  Step 1 of base  $ make base-1
        docs  1 task  claude (default)
           1  Step 1 of docs  $ make docs-1

      Wave 2
        api  1 of 2 done  claude (default)  after base
         ✓ 1  Step 1 of api  $ make api-1
           2  Step 2 of api  $ make api-2

      Wave 3
        web  1 task  claude (default)  after api
           1  Step 1 of web  $ make web-1

      Critical path  3 tasks: base -> api -> web
      Parallelism    4
      "
    `);
  });

  test('prints JSON that its schema describes', async () => {
    await using place = await projectOf({
      ...FAULTY,
      ...SHOP,
      ...unitFiles('done', { statuses: ['complete'] }),
      ...unitFiles('stuck', { dependsOn: ['status'] }),
      '.choo.yml':
        'target_branch: main\nreview: {}\n' +
        'baseline_checks: [{ name: a, command: b }, { name: c, command: d, pattern: e }]\n' +
        'worktree: { setup: [{ command: a }, { command: b, if: c }] }\n',
    });
    const validate = new Ajv().compile(planSchema);
    const { stdout, exitCode } = await runChoo(place.path, ['plan', '--json']);
    const plan: unknown = JSON.parse(stdout);
    expect({ valid: validate(plan), errors: validate.errors }).toEqual({ valid: true, errors: null });
    const states = new Set(planShape.parse(plan).units.map((unit) => unit.state));
    expect(states).toEqual(new Set(['planned', 'complete', 'broken', 'stuck']));
    expect(exitCode).toBe(1);
  });

  test('plans the units that are named, and what they need', async () => {
    await using place = await projectOf(SHOP);
    const plan = await planOf(place.path, ['--unit', 'api', '-u', 'docs']);
    expect(plan.units.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'api planned',
      'base planned',
      'docs planned',
      'web left-out',
    ]);
    expect(plan.waves).toEqual([['base', 'docs'], ['api']]);
  });

  test('names the unit that was meant', async () => {
    await using place = await projectOf(SHOP);
    expect(await runChoo(place.path, ['plan', '--unit', 'doc'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'choo: there is no unit `doc`\n  hint: did you mean `docs`?\n',
    });
  });

  test('draws the graph for Mermaid', async () => {
    await using place = await projectOf(SHOP);
    const { stdout, exitCode } = await runChoo(place.path, ['plan', '--mermaid']);
    expect(stdout.split('\n').filter((line) => !line.includes('classDef'))).toEqual([
      'flowchart LR',
      '  u0["api<br/>2 tasks, claude"]:::planned',
      '  u1["base<br/>1 task, claude"]:::planned',
      '  u2["docs<br/>1 task, claude"]:::planned',
      '  u3["web<br/>1 task, claude"]:::planned',
      '  u0 --> u3',
      '  u1 --> u0',
      '',
    ]);
    expect(exitCode).toBe(0);
  });

  test('ends quietly when its reader has seen enough', async () => {
    const gate = `echo ${'x'.repeat(3_000)}`;
    const tasks = Array.from({ length: 90 }, (_, index) => [
      `${T}/a/${String(index + 10)}-x.md`,
      taskText({ task: String(index + 1), backpressure: gate }),
    ]);
    await using place = await projectOf({
      ...unitFiles('a', { statuses: [] }),
      ...(Object.fromEntries(tasks) as Files),
    });
    const line = '"$@" | head -1; echo "status ${PIPESTATUS[0]}"';
    expect(await runProgram(place.path, ['bash', '-c', line, 'bash', ...CHOO, 'plan'])).toEqual({
      exitCode: 0,
      stdout: '1 unit in 1 wave, 90 tasks to do\nstatus 0\n',
      stderr: '',
    });
  });
});

describe.concurrent('choo plan --rev', () => {
  /** What must not depend on where a tree is read from. */
  const content = (plan: Plan): object => ({ ...plan, source: undefined });

  test('gives the units and keys of the same files in a directory', async () => {
    await using place = await temporaryDirectory();
    const commit = await commitFiles(place.path, { ...SHOP, '.choo.yml': 'parallelism: 2\n' });
    const [directory, head] = await Promise.all([planOf(place.path), planOf(place.path, ['--rev', 'main'])]);
    expect(head.source).toEqual({ kind: 'commit', name: 'main', commit });
    expect(content(head)).toEqual(content(directory));
    expect(head.units.map((unit) => unit.key)).toEqual(
      Array.from({ length: 4 }, () => expect.stringMatching(/^[0-9a-f]{64}$/)),
    );
  });

  test('reads the commit, whatever the working tree holds', async () => {
    await using place = await temporaryDirectory();
    await commitFiles(place.path, SHOP);
    const before = await planOf(place.path);
    await writeFiles(place.path, { ...unitFiles('later'), '.choo.yml': 'verify: maybe\n' });
    expect(content(await planOf(place.path, ['--rev', 'HEAD']))).toEqual(content(before));
  });

  test('works in a bare clone', async () => {
    await using place = await temporaryDirectory();
    await mkdir(join(place.path, 'work'));
    await commitFiles(join(place.path, 'work'), SHOP);
    await git(place.path, 'clone', '--quiet', '--bare', 'work', 'bare.git');
    const [directory, bare] = await Promise.all([
      planOf(join(place.path, 'work')),
      planOf(join(place.path, 'bare.git'), ['--rev', 'main']),
    ]);
    expect(content(bare)).toEqual(content(directory));
  });

  test('works for a project in a subdirectory, from within and by its name', async () => {
    await using place = await temporaryDirectory();
    const below = Object.fromEntries(
      Object.entries(SHOP).map(([path, text]) => [`teams/shop/${path}`, text]),
    );
    await commitFiles(place.path, { ...below, 'teams/shop/src/x.ts': '' });
    const plans = await Promise.all([
      planOf(join(place.path, 'teams/shop')),
      planOf(join(place.path, 'teams/shop'), ['--rev', 'HEAD']),
      planOf(join(place.path, 'teams/shop/src'), ['--rev', 'HEAD']),
      planOf(place.path, ['teams/shop', '--rev', 'HEAD']),
    ]);
    expect(plans[0].units).toHaveLength(4);
    for (const plan of plans) expect(content(plan)).toEqual(content(plans[0]));
  });

  test('changes nothing in the repository', async () => {
    await using place = await temporaryDirectory();
    await commitFiles(place.path, SHOP);
    // An index that git would like to refresh, a change in each of its two stages, and a file it does not know.
    await utimes(join(place.path, `${T}/web/01-step.md`), 1, 1);
    await writeFiles(place.path, { [`${T}/api/01-step.md`]: 'changed\n', new: 'x' });
    await writeFiles(place.path, unitFiles('staged'));
    await git(place.path, 'add', `${T}/staged`);
    const look = async (): Promise<unknown> => [
      await bytesOf(place.path),
      await git(place.path, '--no-optional-locks', 'status', '--porcelain'),
    ];
    const before = await look();
    for (const args of [['plan', '--rev', 'HEAD'], ['plan'], ['check']]) await runChoo(place.path, args);
    expect(await look()).toEqual(before);
  });

  test.each(['nope', '-x', ''])('refuses %j, which is no commit', async (rev) => {
    await using place = await temporaryDirectory();
    await commitFiles(place.path, SHOP);
    const { exitCode, stderr } = await runChoo(place.path, ['plan', `--rev=${rev}`]);
    expect(stderr).toContain(`there is no commit \`${rev}\``);
    expect(exitCode).toBe(2);
  });

  test('says so outside of a repository', async () => {
    await using place = await projectOf(SHOP);
    const { exitCode, stderr } = await runChoo(place.path, ['plan', '--rev', 'HEAD']);
    expect(stderr).toContain('is not in a git repository');
    expect(exitCode).toBe(2);
  });

  test('finds the branch that is in the way of its own', async () => {
    await using place = await temporaryDirectory();
    await commitFiles(place.path, SHOP);
    await git(place.path, 'branch', 'choo');
    for (const args of [['plan'], ['plan', '--rev', 'HEAD']]) {
      const { stdout, exitCode } = await runChoo(place.path, args);
      expect(stdout).toContain('\nrefs/heads/choo:1:1 error a branch is called `choo`');
      expect(stdout).toContain('\n  hint: rename it: `git branch -m choo <new name>`\n');
      expect(exitCode).toBe(1);
    }
  });
});

describe.concurrent('the provider of a unit', () => {
  const FILES = { ...unitFiles('free'), ...unitFiles('named', { provider: 'codex' }) };
  const CONFIGURED = { ...FILES, '.choo.yml': 'provider: { type: gemini }\n' };

  test.each([
    ['nobody', [], {}, FILES, 'claude default', 'codex unit'],
    ['the configuration', [], {}, CONFIGURED, 'gemini configuration', 'codex unit'],
    ['CHOO_PROVIDER', [], { CHOO_PROVIDER: 'opencode' }, CONFIGURED, 'opencode environment', 'codex unit'],
    ['RALPH_PROVIDER', [], { RALPH_PROVIDER: 'opencode' }, CONFIGURED, 'opencode environment', 'codex unit'],
    [
      'CHOO_PROVIDER before RALPH_PROVIDER',
      [],
      { CHOO_PROVIDER: 'claude', RALPH_PROVIDER: 'opencode' },
      CONFIGURED,
      'claude environment',
      'codex unit',
    ],
    [
      '--provider',
      ['--provider', 'rehearsal'],
      { CHOO_PROVIDER: 'opencode' },
      CONFIGURED,
      'rehearsal request',
      'codex unit',
    ],
    [
      '--force-provider',
      ['--force-provider', 'rehearsal', '--provider', 'claude'],
      { CHOO_PROVIDER: 'opencode' },
      CONFIGURED,
      'rehearsal forced',
      'rehearsal forced',
    ],
  ])('is named by %s', async (_, args, environment, files, free, named) => {
    await using place = await projectOf(files);
    const { units } = await planOf(place.path, args, environment);
    expect(
      units.map(({ id, provider }) => `${id}: ${provider?.name ?? ''} ${provider?.source ?? ''}`),
    ).toEqual([`free: ${free}`, `named: ${named}`]);
  });

  test('is shown with whose word it was', async () => {
    await using place = await projectOf(FILES);
    const { stdout } = await runChoo(place.path, ['plan', '--provider', 'gemini']);
    expect(stdout).toMatch(/^ {2}free +1 task +gemini \(requested\)$/m);
    expect(stdout).toMatch(/^ {2}named +1 task +codex \(unit\)$/m);
  });

  test('is a problem where the operator does not allow it', async () => {
    await using place = await projectOf(FILES);
    const { stdout, exitCode } = await runChoo(place.path, ['plan'], {
      CHOO_ALLOWED_PROVIDERS: 'claude, gemini',
    });
    expect(stdout).toContain(
      `${T}/named/IMPLEMENTATION_PLAN.md:3:11 error the operator does not allow this provider (got \`codex\`)\n` +
        '  hint: allowed here: claude, gemini\n',
    );
    expect(stdout).toMatch(/^ {2}free +1 task +claude \(default\)$/m);
    expect(exitCode).toBe(1);
  });
});

describe.concurrent('choo init', () => {
  test('makes an empty directory pass the check', async () => {
    await using place = await temporaryDirectory();
    const init = await runChoo(place.path, ['init']);
    expect(init).toEqual({
      exitCode: 0,
      stdout:
        'wrote .choo.yml\n' +
        `wrote ${T}/first-unit/IMPLEMENTATION_PLAN.md\nwrote ${T}/first-unit/01-write-a-greeting.md\n`,
      stderr:
        'Next: `choo check`, then `choo plan`.\nA run works on a commit, and there is none yet:\n' +
        '  git init\n  git add -A\n  git commit -m "Add the first specs"\n',
    });
    const check = await runChoo(place.path, ['check']);
    expect(check).toEqual({ exitCode: 0, stdout: '1 unit, no problems\n', stderr: '' });
  });

  test('says how to make the first commit until there is one', async () => {
    await using place = await temporaryDirectory();
    await git(place.path, 'init', '-q');
    const before = await runChoo(place.path, ['init', 'app']);
    expect(before.stderr).toContain('\n  git -C app init\n  git -C app add -A\n');
    await git(place.path, 'commit', '-q', '--allow-empty', '-m', 'x');
    expect((await runChoo(place.path, ['init', 'app'])).stderr).toBe(
      'Next: `choo check app`, then `choo plan app`.\n',
    );
  });

  test('keeps every byte of what is there', async () => {
    await using place = await temporaryDirectory();
    await runChoo(place.path, ['init']);
    await writeFile(join(place.path, '.choo.yml'), 'parallelism: 2\r\n# mine');
    await writeFile(join(place.path, T, 'first-unit/01-write-a-greeting.md'), 'mine');
    const before = await bytesOf(place.path);
    const again = await runChoo(place.path, ['init']);
    expect(await bytesOf(place.path)).toEqual(before);
    expect(again).toMatchObject({ exitCode: 0, stdout: `kept  .choo.yml\nkept  ${T}\n` });
  });

  test('completes a first unit that was left half made', async () => {
    const plan = `${T}/first-unit/IMPLEMENTATION_PLAN.md`;
    await using place = await projectOf({ [plan]: '---\n---\nmine' });
    const { stdout } = await runChoo(place.path, ['init']);
    expect(await readFile(join(place.path, plan), 'utf8')).toBe('---\n---\nmine');
    expect(stdout).toContain(`wrote ${T}/first-unit/01-write-a-greeting.md\nkept  ${plan}\n`);
  });

  test('writes the first unit where the configuration says units are', async () => {
    await using place = await projectOf({ 'app/.choo.yml': 'specs_dir: docs/specs\n' });
    await runChoo(place.path, ['init', 'app']);
    expect(Object.keys(await bytesOf(place.path))).toEqual([
      'app/.choo.yml',
      'app/docs/specs/first-unit/01-write-a-greeting.md',
      'app/docs/specs/first-unit/IMPLEMENTATION_PLAN.md',
    ]);
  });
});

describe.concurrent('choo example', () => {
  test('makes a repository with one commit, whose plan has three units in two waves', async () => {
    await using place = await projectOf({
      'home/.gitconfig': '[commit]\n\tgpgsign = true\n[core]\n\thooksPath = /nonexistent/hooks\n',
    });
    const environment = { HOME: join(place.path, 'home'), GIT_DIR: join(place.path, 'elsewhere') };
    const { exitCode, stdout } = await runChoo(place.path, ['example', 'try/it'], environment);
    const directory = join(place.path, 'try/it');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${directory}\n` });
    expect(await git(directory, 'rev-list', '--count', '--all')).toBe('1');
    expect(await git(directory, 'branch', '--show-current')).toBe('main');
    expect(await git(directory, 'status', '--porcelain', '--ignored')).toBe('');
    const plan = await planOf(directory);
    expect(plan.waves.map((wave) => wave.length)).toEqual([2, 1]);
    expect(plan).toMatchObject({ runnable: true, problems: { list: [] } });
  });

  test('refuses a directory that is not empty, and leaves it alone', async () => {
    await using place = await projectOf({ 'mine/notes.txt': 'keep\n' });
    expect(await runChoo(place.path, ['example', 'mine'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'choo: `mine` exists and is not an empty directory\n  hint: name a directory that does not exist yet\n',
    });
    expect(Object.keys(await bytesOf(place.path))).toEqual(['mine/notes.txt']);
  });
});

describe.concurrent('choo schema', () => {
  test.each([
    ['of .choo.yml', ['schema'], configSchema],
    ['of a plan', ['schema', 'plan'], planSchema],
  ])('prints the schema %s that is in the repository', async (_, args, schema) => {
    await using place = await temporaryDirectory();
    const { stdout, exitCode } = await runChoo(place.path, args);
    expect(stdout).toBe(`${JSON.stringify(schema, undefined, 2)}\n`);
    expect(exitCode).toBe(0);
  });
});

describe.concurrent('the command line', () => {
  test.each([['--help'], ['help']])('shows what there is with %s', async (word) => {
    await using place = await temporaryDirectory();
    const { stdout, stderr, exitCode } = await runChoo(place.path, [word]);
    expect(stdout).toMatch(/^Usage: choo /);
    for (const command of ['check', 'plan', 'init', 'example', 'schema'])
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  });

  test('shows a command with its examples', async () => {
    await using place = await temporaryDirectory();
    const { stdout, exitCode } = await runChoo(place.path, ['help', 'plan']);
    expect(stdout).toMatch(/^Usage: choo plan /);
    expect(stdout).toContain('choo plan --rev origin/main');
    expect(exitCode).toBe(0);
  });

  test('prints its version', async () => {
    await using place = await temporaryDirectory();
    expect(await runChoo(place.path, ['--version'])).toEqual({
      exitCode: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    });
  });

  test('names the command that was meant', async () => {
    await using place = await temporaryDirectory();
    expect(await runChoo(place.path, ['plam'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: "error: unknown command 'plam'\n(Did you mean plan?)\n(`choo --help` lists the commands)\n",
    });
  });

  test('names every variable of the environment that it cannot use', async () => {
    await using place = await projectOf(SHOP);
    const environment = { CHOO_PROVIDER: 'cluade', CHOO_ALLOWED_PROVIDERS: 'x' };
    const { exitCode, stdout, stderr } = await runChoo(place.path, ['plan'], environment);
    expect(stderr).toMatch(
      /^choo: CHOO_PROVIDER must be .*, not `cluade`; CHOO_ALLOWED_PROVIDERS must be .*\n {2}hint: /,
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  });

  test('takes old names of a setting and an option, with a notice for each', async () => {
    await using place = await projectOf(SHOP);
    const old = ['plan', '--json', '--force-task-provider', 'rehearsal'];
    const environment = { CHOO_PROVIDERS: 'rehearsal' };
    const { stdout, stderr, exitCode } = await runChoo(place.path, old, environment);
    expect(new Set([...stdout.matchAll(/"source": "(\w+)"/g)].map(([, source]) => source))).toEqual(
      new Set(['forced']),
    );
    expect(exitCode).toBe(0);
    expect(stderr).toBe(
      'choo: CHOO_PROVIDERS was renamed to CHOO_ALLOWED_PROVIDERS; the old name works until the next release\n' +
        'choo: --force-task-provider was renamed to --force-provider; the old name works until the next release\n',
    );
    expect(await runChoo(place.path, [...old, '--force-provider', 'claude'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'choo: --force-provider and --force-task-provider, its old name, have different values\n' +
        '  hint: leave out --force-task-provider\n',
    });
  });

  test('shows help whatever the environment holds', async () => {
    await using place = await temporaryDirectory();
    expect(await runChoo(place.path, ['--help'], { CHOO_CONCURRENCY: 'x' })).toMatchObject({ exitCode: 0 });
  });

  test('checks a project beside a database that is not its own', async () => {
    await using place = await projectOf(SHOP);
    const { exitCode } = await runChoo(place.path, ['check'], { DATABASE_URL: 'mysql://db/app' });
    expect(exitCode).toBe(0);
  });

  test.each([
    ['example', { file: 'x' }, ['example', 'file']],
    ['init', { [T]: 'x' }, ['init']],
  ])('names a file that is in the way without a stack trace: %s', async (_, files, args) => {
    await using place = await projectOf(files);
    const { stderr, exitCode } = await runChoo(place.path, args);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(exitCode).not.toBe(0);
  });
});

describe.concurrent('colours', () => {
  const COLOUR = /\u001B\[\d+m/;

  test.each([[['check']], [['plan']], [['plan', '--unit', 'x']]])(
    'are left out where nobody sees them: %j',
    async (args) => {
      await using place = await projectOf(FAULTY);
      const { stdout, stderr } = await runChoo(place.path, args);
      expect(stdout + stderr).not.toMatch(COLOUR);
    },
  );

  test.each([[['check']], [['plan']]])('are there with FORCE_COLOR=1: %j', async (args) => {
    await using place = await projectOf(FAULTY);
    const { stdout } = await runChoo(place.path, args, { FORCE_COLOR: '1' });
    expect(stdout).toContain('\u001B[31merror\u001B[39m');
  });
});

describe.concurrent('a terminal', () => {
  const ESCAPE = '\u001B[2J';
  const HOSTILE: Files = {
    '.choo.yml': `"x\\e[2J": 1\n`,
    [`${T}/a/IMPLEMENTATION_PLAN.md`]: planText({ depends_on: '[]' }, `# Title ${ESCAPE}\n`),
    [`${T}/a/01-a.md`]: taskText({ backpressure: `echo ${ESCAPE}` }, `# Title ${ESCAPE}\n`),
    [`${T}/b${ESCAPE}/IMPLEMENTATION_PLAN.md`]: planText({ depends_on: '["c\\e[2J"]' }),
    [`${T}/b${ESCAPE}/01-a.md`]: taskText({ status: '"\\e[2J"' }),
    [`${T}/b${ESCAPE}/1-${ESCAPE}.md`]: '',
  };

  test.each([
    [['check']],
    [['check', '--json']],
    [['check', '--format', 'github']],
    [['plan']],
    [['plan', '--json']],
    [['plan', '--mermaid']],
    [['plan', '--unit', `b${ESCAPE}x`]],
    [['check', ESCAPE]],
  ])('is never given an escape sequence of the repository: %j', async (args) => {
    await using place = await projectOf(HOSTILE);
    const { stdout, stderr } = await runChoo(place.path, args);
    expect(stdout + stderr).toMatch(/2J/);
    expect(stdout + stderr).not.toContain('\u001B');
  });
});

describe('choo init, behind a link', () => {
  test('writes nothing through a link that discovery would not follow', async () => {
    await using place = await temporaryDirectory();
    await using outside = await temporaryDirectory();
    await symlink(outside.path, join(place.path, 'specs'));
    const { exitCode, stderr } = await runChoo(place.path, ['init']);
    expect(stderr).toContain('symbolic links are not followed');
    expect(exitCode).toBe(1);
    expect(await readdir(outside.path)).toEqual([]);
  });
});
