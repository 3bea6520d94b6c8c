import { execa } from 'execa';
import { expect, test } from 'vitest';
import { liveProcesses, untilRunning } from '../helpers/live-processes.ts';
import { CHOO } from '../helpers/run-choo.ts';
import { makeProject, type ProjectSpec } from '../helpers/spec-project.ts';

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

/** A project whose run stands still in one phase of an attempt, and where what runs then is not {@link ENDLESS}, that. */
const PHASES: Readonly<Record<string, readonly [project: ProjectSpec, running?: RegExp]>> = {
  'set-up': [{ units: unit('true'), config: setUp('setup', ENDLESS) }],
  'the gate before any work': [{ units: unit(`${WORK} || { ${ENDLESS}; }`) }],
  'the agent': [{ units: unit(WORK, ENDLESS) }],
  'staging of what the agent left': [
    { units: unit(WORK, 'truncate --size=1000M large; touch work') },
    /^git .*\badd\b/,
  ],
  'the gate of an attempt': [{ units: unit(`${WORK} && { ${ENDLESS}; }`) }],
  'a baseline check': [{ units: unit(WORK), config: check(afterWork(ENDLESS)) }],
  'a repair': [{ units: unit(WORK, 'touch work', ENDLESS), config: check('! test -e work') }],
  'set-up of verify': [{ units: unit(WORK), config: setUp('setup', afterWork(ENDLESS)) }],
  'the gate of verify': [
    {
      units: unit(`${WORK} && { test -e ignored || { ${ENDLESS}; }; }`, 'touch work ignored'),
      files: { '.gitignore': 'ignored\n' },
    },
  ],
  'the counter-trial': [
    {
      units: unit('npm test && test -e work', 'touch work; echo "// changed" > test/a.test.js'),
      files: {
        'package.json': '{ "scripts": { "test": "node --test" } }\n',
        'test/a.test.js': `if (require('node:fs').existsSync('work')) require('node:child_process').execSync(${JSON.stringify(ENDLESS)});\n`,
      },
    },
  ],
  teardown: [{ units: unit(WORK), config: setUp('teardown', ENDLESS) }],
};

test.each(Object.entries(PHASES))(
  'a cancel ends a unit soon in %s',
  async (_, [project, running = RUNNING]) => {
    await using world = await makeProject(project);
    const [node, cli] = CHOO;
    const run = execa(node, [cli, 'run', '--json', '--sandbox', 'host'], {
      cwd: world.path,
      env: { ...world.environment, PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
      extendEnv: false,
      reject: false,
    });
    await untilRunning(running);
    const askedAt = performance.now();
    const { exitCode, stderr } = await world.choo('cancel');
    await run;
    expect(performance.now() - askedAt).toBeLessThan(MOST_MS);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await liveProcesses(running)).toEqual([]);
    const { stdout } = await world.choo('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ status: 'cancelled', units: [{ state: 'cancelled' }] });
    // What was judged or half written is on no branch.
    expect((await world.git('fsck', '--strict', '--no-dangling')).trim()).toBe('');
  },
);
