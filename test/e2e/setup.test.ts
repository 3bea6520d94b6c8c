import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { git } from '../helpers/git-repository.ts';
import { runChoo, runProgram } from '../helpers/run-choo.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { makeProject, type ProjectSpec } from '../helpers/spec-project.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const UNIT = 'choo/unit/main/unit';

/** The gate needs what `npm ci` installs, and git ignores. The dependency is in the repository: nobody needs a network. */
const PROJECT: ProjectSpec = {
  units: {
    unit: {
      tasks: [
        {
          gate: 'node main.js',
          sh: `echo 'import { greet } from "greet"; if (greet("you") !== "hello you") throw new Error();' > main.js`,
        },
      ],
    },
  },
  files: {
    'package.json': json({ name: 'project', type: 'module', dependencies: { greet: 'file:greet' } }),
    'package-lock.json': json({
      name: 'project',
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': { name: 'project', dependencies: { greet: 'file:greet' } },
        greet: { version: '1.0.0' },
        'node_modules/greet': { resolved: 'greet', link: true },
      },
    }),
    'greet/package.json': json({ name: 'greet', version: '1.0.0', type: 'module', exports: './index.js' }),
    'greet/index.js': 'export const greet = (name) => `hello ${name}`;\n',
    '.gitignore': 'node_modules/\n',
  },
};
const SETUP = 'worktree:\n  setup:\n    - { command: npm ci, if: package-lock.json }\n';
/** The npm that belongs to the Node that runs choo, which is not always the system's. */
const NPM = join(realpathSync(process.execPath), '../npm');
const ONCE = 'limits: { attempts: 1 }\n';

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

describe.each(SANDBOXES)('what a worktree needs, in %s', (sandbox) => {
  test('is installed by its setup, in the worktree of the work and in that of verify', async () => {
    await using project = await makeProject({ ...PROJECT, config: ONCE + SETUP }, { sandbox });
    const { exitCode, stderr, events } = await project.run();
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const setups = events.filter(({ type }) => type === 'worktree.setup');
    expect(setups).toHaveLength(2);
    for (const setup of setups) expect(setup).toMatchObject({ command: 'npm ci', exitCode: 0 });
    expect(events.findLast(({ type }) => type === 'unit.completed')).toMatchObject({ verified: true });
    const made = await project.git('diff', '--name-only', 'main', UNIT, '--', '.', ':!specs');
    expect(made).toBe('main.js');
    expect(events.filter(({ type }) => type === 'unit.notice')).toEqual([]);
  });

  test.runIf(existsSync(NPM))('is installed by the npm that belongs to the Node of choo', async () => {
    const command = `test "$(command -v npm)" = ${NPM} && npm --version`;
    const config = `${ONCE}worktree:\n  setup:\n    - command: ${JSON.stringify(command)}\n`;
    const units = { unit: { tasks: [{ gate: 'test -e work', sh: 'touch work' }] } };
    await using project = await makeProject({ units, config }, { sandbox });
    const { exitCode, events } = await project.run();
    expect(events.find(({ type }) => type === 'worktree.setup')).toMatchObject({ exitCode: 0 });
    expect(exitCode).toBe(0);
  });

  test('is not there without a setup', async () => {
    await using project = await makeProject({ ...PROJECT, config: ONCE }, { sandbox });
    const { exitCode, events } = await project.run();
    expect(exitCode).toBe(1);
    expect(events.findLast(({ type }) => type === 'task.validation.fail')).toMatchObject({
      phase: 'attempt',
      tail: expect.stringContaining("Cannot find package 'greet'"),
    });
    expect(await project.git('for-each-ref', 'refs/heads/choo')).toBe('');
  });

  test('is not installed where the file of its condition is not', async () => {
    const { 'package-lock.json': _, ...files } = PROJECT.files ?? {};
    await using project = await makeProject({ ...PROJECT, files, config: ONCE + SETUP }, { sandbox });
    const { exitCode, events } = await project.run();
    expect(exitCode).toBe(1);
    expect(events.filter(({ type }) => type === 'worktree.setup')).toEqual([]);
    expect(events.findLast(({ type }) => type === 'unit.failed')).toMatchObject({ failure: 'attempts' });
  });

  test('makes the unit fail before any agent starts when it cannot be installed', async () => {
    const files = { ...PROJECT.files, 'package-lock.json': '{' };
    await using project = await makeProject({ ...PROJECT, files, config: ONCE + SETUP }, { sandbox });
    const { exitCode, events } = await project.run();
    expect(exitCode).toBe(1);
    expect(events.findLast(({ type }) => type === 'unit.failed')).toMatchObject({
      failure: 'environment',
      message: expect.stringContaining('`npm ci` failed'),
    });
    expect(events.filter(({ type }) => type === 'task.provider.invoke')).toEqual([]);
  });

  test('is all there for the example project: it becomes the program of its README', async () => {
    await using place = await temporaryDirectory();
    const path = join(place.path, 'tally');
    const environment = {
      CHOO_DATA_DIR: join(place.path, 'data'),
      ...Object.fromEntries(
        ['AUTHOR', 'COMMITTER'].flatMap((who) => [
          [`GIT_${who}_NAME`, 'somebody'],
          [`GIT_${who}_EMAIL`, 'somebody@localhost'],
        ]),
      ),
    };
    expect((await runChoo(place.path, ['example', 'tally'], environment)).exitCode).toBe(0);
    const run = await runChoo(path, ['run', '--sandbox', sandbox], environment);
    expect(run.stderr + run.stdout).not.toContain('failed');
    expect(run.exitCode).toBe(0);

    const subjects = async (range: string): Promise<readonly string[]> =>
      (await git(path, 'log', '--reverse', '--no-merges', '--format=%s', range)).split('\n');
    expect(await subjects('main..choo/unit/main/count-words')).toEqual([
      'Split a text into words',
      'Count the words',
    ]);
    expect(await subjects('main..choo/unit/main/bar-chart')).toEqual([
      'Draw bars of whole cells',
      'Draw bars to an eighth of a cell',
    ]);
    const wave2 = 'choo/unit/main/tally-command';
    expect(await subjects(`main..${wave2}`)).toHaveLength(7);
    expect((await subjects(`main..${wave2}`)).slice(-3)).toEqual([
      'Write the report',
      'Read the options',
      'Run the command',
    ]);
    expect(readdirSync(path)).not.toContain('src'); // the checkout is as it was

    const status = await runChoo(path, ['status', '--json'], environment);
    const { branch } = JSON.parse(status.stdout) as { readonly branch: string };
    const result = await git(path, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/choo/run');
    expect(result).toBe(branch);
    await git(path, 'merge', '--quiet', '--no-edit', branch);
    expect(await git(path, 'status', '--porcelain')).toBe('');
    const node = process.execPath;
    const words = ['src/cli.js', '--top', '4', 'test/fixtures/harbour.txt'] as const;
    const tally = await runProgram(path, [node, ...words]);
    const readme = await git(path, 'show', 'main:README.md');
    const [, promised = ''] = /\$ node src\/cli\.js --top 4 .*\n([^]*?)```/.exec(readme) ?? [];
    expect(promised).toContain('Top 4 of 17 words');
    expect(tally).toEqual({ exitCode: 0, stdout: promised, stderr: '' });
    expect((await runProgram(path, [node, '--test'])).exitCode).toBe(0);
  });
});
