import { existsSync, realpathSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { makeProject, type ProjectSpec } from '../helpers/spec-project.ts';

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
    expect(stderr).toMatch(/^sandbox \w+: set-up [^\n]+\n$/);
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
});

test.runIf(SANDBOXES.includes('bubblewrap'))(
  'the project is at one path in bubblewrap, and people read paths from its root',
  { timeout: 240_000 },
  async () => {
    const gate = 'echo "$PWD/main.js:3:1 is wrong, see file://$PWD/main.js"; test -e never';
    const setup = `worktree:\n  setup:\n    - command: pwd > where\n`;
    await using project = await makeProject(
      {
        units: {
          unit: {
            tasks: [{ gate, sh: 'test "$(cat where) $PWD" = "/choo/project /choo/project"; touch main.js' }],
          },
        },
        files: { '.gitignore': 'where\n' },
        config: ONCE + setup,
      },
      { sandbox: 'bubblewrap' },
    );
    const { events } = await project.run();
    expect(events.find(({ type }) => type === 'task.provider.done')).toMatchObject({ outcome: 'finished' });
    expect(events.findLast(({ type }) => type === 'task.validation.fail')).toMatchObject({
      phase: 'attempt',
      tail: 'main.js:3:1 is wrong, see main.js\n',
    });
    expect(JSON.stringify(events)).not.toContain('/choo/project');
  },
);

test.runIf(SANDBOXES.includes('bubblewrap'))(
  'the home of a worktree is filled by set-up, kept for its agents, changed by no gate, and not that of verify',
  { timeout: 240_000 },
  async () => {
    const config = `${ONCE}worktree:\n  setup:\n    - command: echo prepared > ~/tool\n`;
    const spoil = JSON.stringify('echo spoilt > ~/tool; touch ~/gate; test -e one');
    // The file `seen` is ignored, so it is not in the worktree of verify, and neither is what agents left at home.
    const look = JSON.stringify(
      'test -e two && if test -e seen; then test -e ~/agent; else test ! -e ~/agent; fi && grep -qx prepared ~/tool',
    );
    const tasks = [
      { gate: spoil, sh: 'touch ~/agent; ls -A ~ > one; cat ~/tool >> one' },
      { gate: look, sh: 'touch seen; ls -A ~ > two; cat ~/tool >> two' },
    ];
    const files = { '.gitignore': 'seen\n' };
    await using project = await makeProject(
      { units: { unit: { tasks } }, files, config },
      { sandbox: 'bubblewrap' },
    );
    const { exitCode, events, stderr } = await project.run();
    expect(stderr).toMatch(/^sandbox \w+: set-up [^\n]+\n$/);
    expect(exitCode, JSON.stringify(events.slice(-3))).toBe(0);
    expect(events.findLast(({ type }) => type === 'unit.completed')).toMatchObject({ verified: true });
    expect(await project.git('show', `${UNIT}:one`)).toBe('agent\ntool\nprepared');
    expect(await project.git('show', `${UNIT}:two`)).toBe('agent\ntool\nprepared');
    const [home = ''] = await readdir(join(project.dataDirectory, 'repositories'));
    expect(await readdir(join(project.dataDirectory, 'repositories', home, 'beside'))).toEqual([]);
  },
);

describe('what a worktree needs', () => {
  test('is not there without a setup', async () => {
    await using project = await makeProject({ ...PROJECT, config: ONCE });
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
    await using project = await makeProject({ ...PROJECT, files, config: ONCE + SETUP });
    const { exitCode, events } = await project.run();
    expect(exitCode).toBe(1);
    expect(events.filter(({ type }) => type === 'worktree.setup')).toEqual([]);
    expect(events.findLast(({ type }) => type === 'unit.failed')).toMatchObject({ failure: 'attempts' });
  });

  test('makes the unit fail before any agent starts when it cannot be installed', async () => {
    const files = { ...PROJECT.files, 'package-lock.json': '{' };
    await using project = await makeProject({ ...PROJECT, files, config: ONCE + SETUP });
    const { exitCode, events } = await project.run();
    expect(exitCode).toBe(1);
    expect(events.findLast(({ type }) => type === 'unit.failed')).toMatchObject({
      failure: 'environment',
      message: expect.stringContaining('`npm ci` failed'),
    });
    expect(events.filter(({ type }) => type === 'task.provider.invoke')).toEqual([]);
  });
});
