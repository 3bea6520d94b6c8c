import { execa } from 'execa';
import { expect, test } from 'vitest';
import { gitIn, gitStaging } from '../helpers/git-processes.ts';
import { liveProcesses, untilRunning } from '../helpers/live-processes.ts';
import { CHOO } from '../helpers/run-choo.ts';
import { makeProject, type ProjectSpec, type SpecProject } from '../helpers/spec-project.ts';

/** From the request to the end of the last process; the command itself takes its time to start. Milliseconds. */
const MOST_MS = 8_000;

/** A command that nobody waits for, with a child in a session of its own. */
const ENDLESS = `setsid sleep 600.2301 & sleep 600.2301`;
const RUNNING = /^sleep 600\.2301$/;

const setUp = (phase: 'setup' | 'teardown', command: string): string =>
  `worktree:\n  ${phase}:\n    - command: ${JSON.stringify(command)}\n`;
const check = (command: string): string =>
  `baseline_checks:\n  - { name: whole, command: ${JSON.stringify(command)} }\n`;
const unit = (gate: string, sh = 'touch work', ofUnit?: string): ProjectSpec['units'] => ({
  unit: {
    ...(ofUnit === undefined ? {} : { sh: ofUnit }),
    tasks: [{ gate: JSON.stringify(gate), sh }],
  },
});
const WORK = 'test -e work';
const afterWork = (command: string): string => `if ${WORK}; then ${command}; fi`;

/** Projects whose runs stand still in one phase of an attempt. */
const PHASES: Readonly<Record<string, ProjectSpec>> = {
  'set-up': { units: unit('true'), config: setUp('setup', ENDLESS) },
  'the gate before any work': { units: unit(`${WORK} || { ${ENDLESS}; }`) },
  'the agent': { units: unit(WORK, ENDLESS) },
  'the gate of an attempt': { units: unit(`${WORK} && { ${ENDLESS}; }`) },
  'a baseline check': { units: unit(WORK), config: check(afterWork(ENDLESS)) },
  'a repair': { units: unit(WORK, 'touch work', ENDLESS), config: check('! test -e work') },
  'set-up of verify': { units: unit(WORK), config: setUp('setup', afterWork(ENDLESS)) },
  'the gate of verify': {
    units: unit(`${WORK} && { test -e ignored || { ${ENDLESS}; }; }`, 'touch work ignored'),
    files: { '.gitignore': 'ignored\n' },
  },
  'the counter-trial': {
    units: unit('npm test && test -e work', 'touch work; echo "// changed" > test/a.test.js'),
    files: {
      'package.json': '{ "scripts": { "test": "node --test" } }\n',
      'test/a.test.js': `if (require('node:fs').existsSync('work')) require('node:child_process').execSync(${JSON.stringify(ENDLESS)});\n`,
    },
  },
  teardown: { units: unit(WORK), config: setUp('teardown', ENDLESS) },
};

test.each(Object.entries(PHASES))('a cancel ends a unit soon in %s', async (_, project) => {
  await using world = await makeProject(project);
  await expectSoonCancelled(world, async () => untilRunning(RUNNING));
  expect(await liveProcesses(RUNNING)).toEqual([]);
});

test('a cancel ends a unit soon while git stages what the agent left', async () => {
  await using world = await makeProject({
    units: unit(WORK, 'truncate --size=1000M large; touch work'),
  });
  await expectSoonCancelled(world, async () => {
    await expect
      .poll(() => gitStaging(world.dataDirectory), { interval: 25, timeout: 30_000 })
      .not.toEqual([]);
  });
  expect(gitIn(world.dataDirectory)).toEqual([]);
});

/** Starts a run, cancels it when it is there, and expects that all of it is over soon, with nothing half done. */
async function expectSoonCancelled(world: SpecProject, isThere: () => Promise<void>): Promise<void> {
  const [node, cli] = CHOO;
  const run = execa(node, [cli, 'run', '--json', '--sandbox', 'host'], {
    cwd: world.path,
    env: { ...world.environment, PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
    extendEnv: false,
    reject: false,
  });
  await isThere();
  const askedAt = performance.now();
  const { exitCode, stderr } = await world.choo('cancel');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  await run;
  expect(performance.now() - askedAt).toBeLessThan(MOST_MS);
  const { stdout } = await world.choo('status', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ status: 'cancelled', units: [{ state: 'cancelled' }] });
  expect((await world.git('fsck', '--strict', '--no-dangling')).trim()).toBe('');
}
