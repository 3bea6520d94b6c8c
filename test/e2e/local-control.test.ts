import { execa } from 'execa';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Journal } from '../../src/store/journal/journal.ts';
import { liveProcesses, untilRunning } from '../helpers/live-processes.ts';
import { CHOO, untilPrinted } from '../helpers/run-choo.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { makeProject, type ProjectSpec, type SpecProject, story } from '../helpers/spec-project.ts';

/** Starts `choo run` and goes on without waiting for it. */
function start(project: SpecProject, sandbox = 'host') {
  const [node, cli] = CHOO;
  return execa(node, [cli, 'run', '--json', '--sandbox', sandbox], {
    cwd: project.path,
    env: { ...project.environment, PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
    extendEnv: false,
    reject: false,
  });
}

async function eventsOf(project: SpecProject, run: string): Promise<readonly string[]> {
  const events = await new Journal(join(project.path, '.git')).read(run);
  return events.map((event) => ('unit' in event ? `${event.type} ${event.unit}` : event.type));
}

async function statusOf(project: SpecProject): Promise<{
  readonly run: string;
  readonly status: string;
  readonly units: Readonly<Record<string, string>>;
}> {
  const status = JSON.parse((await project.choo('status', '--json')).stdout) as {
    run: string;
    status: string;
    units: readonly { id: string; state: string }[];
  };
  const units = Object.fromEntries(status.units.map(({ id, state }) => [id, state]));
  return { run: status.run, status: status.status, units };
}

/** Makes a gate green that waits for a file. */
function open(path: string): void {
  writeFileSync(path, '');
}

/** Two tasks: the first is done at once, the second's agent never ends. `mark` is seen in the process list. */
const sleeper = (mark: string): ProjectSpec['units'][string] => ({
  tasks: [
    { gate: 'test -e one', sh: 'touch one' },
    { gate: 'test -e two', sh: `sleep 600.${mark} & sleep 600.${mark}; touch two` },
  ],
});
const quick = (name: string, dependsOn: readonly string[] = []): ProjectSpec['units'][string] => ({
  dependsOn,
  tasks: [{ gate: `test -e ${name}`, sh: `touch ${name}` }],
});

describe.each(SANDBOXES)('choo cancel of a run that is under way, in %s', (sandbox) => {
  const mark = sandbox === 'host' ? '2101' : '2102';
  const pattern = new RegExp(String.raw`sleep 600\.${mark}$`);

  test('ends its processes within five seconds and keeps its commits', async () => {
    await using project = await makeProject({
      units: { slow: sleeper(mark), last: quick('last', ['slow']) },
    });
    const run = start(project, sandbox);
    await untilRunning(pattern);
    const askedAt = performance.now();
    const { exitCode, stdout, stderr } = await project.choo('cancel', '--json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await liveProcesses(pattern)).toEqual([]);
    expect(performance.now() - askedAt).toBeLessThan(8_000); // the command itself takes its time to start
    expect(await run).toMatchObject({ exitCode: 1, stderr: '' });
    const status = await statusOf(project);
    expect(JSON.parse(stdout)).toEqual({ version: 1, run: status.run, units: ['last', 'slow'] });
    expect(status).toMatchObject({ status: 'cancelled', units: { slow: 'cancelled', last: 'cancelled' } });
    expect(await story(project, 'choo/unit/main/slow')).toEqual(['Step 1 of slow']);
    expect((await project.git('fsck', '--strict', '--no-dangling')).trim()).toBe('');
    expect(await project.choo('cancel')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('has ended already: cancelled'),
    });
  });

  test('ends it where its process is stuck', async () => {
    await using project = await makeProject({ units: { slow: sleeper(mark) } });
    const run = start(project, sandbox);
    await untilRunning(pattern);
    run.kill('SIGSTOP');
    const { exitCode, stderr } = await project.choo('cancel');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect((await run).signal).toBe('SIGKILL');
    await expect.poll(async () => liveProcesses(pattern)).toEqual([]);
    expect(await statusOf(project)).toMatchObject({ status: 'cancelled', units: { slow: 'cancelled' } });
    expect(await story(project, 'choo/unit/main/slow')).toEqual(['Step 1 of slow']);
  });
});

test('choo cancel of a run whose process was killed ends what that left, and retry goes on from its commits', async () => {
  await using place = await makeProject({ units: {} });
  const gate = `test -e ${join(place.path, 'open')}`;
  const units = {
    slow: {
      tasks: [
        { gate: 'test -e one', sh: 'touch one' },
        { gate, sh: `${gate} || sleep 600.2103` },
      ],
    },
  };
  await using project = await makeProject({ units });
  const run = start(project);
  await untilRunning(/sleep 600\.2103$/);
  run.kill('SIGKILL');
  await run;
  expect(await statusOf(project)).toMatchObject({ status: 'stopped', units: { slow: 'running' } });
  const { exitCode, stdout } = await project.choo('cancel');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Cancelled 1 unit of run ');
  expect(await liveProcesses(/sleep 600\.2103$/)).toEqual([]);
  const { run: id, ...status } = await statusOf(project);
  expect(status).toEqual({ status: 'cancelled', units: { slow: 'cancelled' } });
  open(join(place.path, 'open'));
  const retried = await project.choo('retry');
  expect(retried).toMatchObject({ exitCode: 0, stderr: '' });
  expect(retried.stdout).toContain(`Retrying 1 unit of run ${id}.\n`);
  expect(retried.stdout).toContain('1 of 1 unit complete');
  expect(await story(project, 'choo/unit/main/slow')).toEqual(['Step 1 of slow', 'Step 2 of slow']);
  expect(await statusOf(project)).toEqual({ run: id, status: 'complete', units: { slow: 'complete' } });
});

describe('a run of this repository that is under way', () => {
  test('has one unit cancelled, and the others go on', async () => {
    await using project = await makeProject({
      units: { slow: sleeper('2104'), after: quick('after', ['slow']), other: quick('other') },
    });
    const run = start(project);
    await untilRunning(/sleep 600\.2104$/);
    expect(await project.choo('cancel', 'slow')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await run).exitCode).toBe(1);
    expect(await liveProcesses(/sleep 600\.2104$/)).toEqual([]);
    expect(await statusOf(project)).toMatchObject({
      status: 'failed',
      units: { slow: 'cancelled', after: 'blocked', other: 'complete' },
    });
    expect(await story(project, 'choo/unit/main/slow')).toEqual(['Step 1 of slow']);
  });

  test('goes on without a unit that is skipped', async () => {
    await using project = await makeProject({
      units: { slow: sleeper('2105'), after: quick('after', ['slow']) },
    });
    const run = start(project);
    await untilRunning(/sleep 600\.2105$/);
    const { exitCode, stdout } = await project.choo('skip', 'slow');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Skipped `slow` in run \w{10}\. `choo retry \w{10} slow` runs it after all\.\n$/);
    expect((await run).exitCode).toBe(0);
    expect(await liveProcesses(/sleep 600\.2105$/)).toEqual([]);
    expect(await statusOf(project)).toMatchObject({
      status: 'complete',
      units: { slow: 'skipped', after: 'complete' },
    });
    expect(await story(project, 'choo/unit/main/after')).toEqual(['Step 1 of after']);
  });

  test('gives a unit another turn when another process asks, and refuses what cannot be', async () => {
    await using place = await makeProject({ units: {} });
    const [gateOfRed, gateOfSlow] = ['red', 'slow'].map((name) => join(place.path, name));
    const units = {
      red: { tasks: [{ gate: `test -e ${gateOfRed}`, sh: 'touch red' }] },
      after: quick('after', ['red']),
      slow: {
        tasks: [{ gate: `test -e ${gateOfSlow}`, sh: `until test -e ${gateOfSlow}; do sleep 0.2106; done` }],
      },
    };
    await using project = await makeProject({ units, config: 'limits: { attempts: 1 }\n' });
    const run = start(project);
    await untilPrinted(run.stdout, 'unit.blocked');
    expect(await project.choo('retry', 'slow')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/unit `slow` of run \w{10} is running/),
    });
    expect(await project.choo('retry', 'reed')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('did you mean `red`?'),
    });
    open(gateOfRed ?? '');
    const { exitCode, stdout } = await project.choo('retry', 'red', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, units: ['red'] });
    await expect
      .poll(async () => (await statusOf(project)).units['after'], { timeout: 30_000 })
      .toBe('complete');
    open(gateOfSlow ?? '');
    expect((await run).exitCode).toBe(0);
    expect(await story(project, 'choo/unit/main/after')).toEqual(['Step 1 of red', 'Step 1 of after']);
  });
});

describe('a run of this repository that has ended', () => {
  /** A run in which `red` failed, `after` is blocked by it, and `other` is complete. */
  async function failedRun() {
    const place = await makeProject({ units: {} });
    const gate = join(place.path, 'open');
    const units = {
      red: { tasks: [{ gate: `test -e ${gate}`, sh: 'touch red' }] },
      after: quick('after', ['red']),
      other: quick('other'),
    };
    const project = await makeProject({ units, config: 'limits: { attempts: 1 }\n' });
    expect((await project.run()).exitCode).toBe(1);
    const { run } = await statusOf(project);
    return {
      project,
      run,
      gate,
      [Symbol.asyncDispose]: async () => {
        await project[Symbol.asyncDispose]();
        await place[Symbol.asyncDispose]();
      },
    };
  }

  test('gives what failed another turn, in the same run', async () => {
    await using world = await failedRun();
    const { project, run, gate } = world;
    expect((await project.choo('retry')).exitCode).toBe(1); // its gate is red still
    open(gate);
    const { exitCode, stdout } = await project.choo('retry', 'red', '--json');
    expect(exitCode).toBe(0);
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).type as string);
    expect(types.slice(0, 3)).toEqual(['orch.resumed', 'unit.retried', 'unit.queued']);
    expect(types.at(-1)).toBe('orch.completed');
    expect(await statusOf(project)).toMatchObject({
      run,
      status: 'complete',
      units: { red: 'complete', after: 'complete', other: 'complete' },
    });
    const events = await eventsOf(project, run);
    expect(events.filter((event) => event === 'unit.started other')).toHaveLength(1);
    expect(await project.choo('retry')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`run ${run} has nothing to retry`),
    });
  });

  test('goes on without a unit that is skipped', async () => {
    await using world = await failedRun();
    const { project, run } = world;
    const { exitCode, stdout } = await project.choo('skip', run, 'red');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Skipped \`red\` in run ${run}.`);
    expect(await statusOf(project)).toMatchObject({
      run,
      status: 'complete',
      units: { red: 'skipped', after: 'complete', other: 'complete' },
    });
    expect(await project.choo('skip', 'other')).toMatchObject({ exitCode: 1 });
  });

  test('has a unit cancelled that was blocked', async () => {
    await using world = await failedRun();
    const { project, run } = world;
    expect((await project.choo('cancel', 'after', '--json')).stdout).toBe(
      `${JSON.stringify({ version: 1, run, units: ['after'] }, null, 2)}\n`,
    );
    expect((await statusOf(project)).units).toEqual({ red: 'failed', after: 'cancelled', other: 'complete' });
  });

  describe('refuses', () => {
    let world: Awaited<ReturnType<typeof failedRun>>; // the refused requests change nothing
    beforeAll(async () => {
      world = await failedRun();
    });
    afterAll(async () => world[Symbol.asyncDispose]());

    test.each<[string, readonly string[], number, RegExp]>([
      ['to cancel it', ['cancel'], 1, /has ended already: failed/],
      ['a unit of no such name', ['skip', 'rd'], 2, /has no unit `rd`\n {2}hint: did you mean `red`\?/],
      ['a skip of nothing', ['skip'], 2, /name a unit to skip/],
      ['a run that is not there', ['retry', '--run', 'nothere123'], 2, /there is no run `nothere123`/],
      ['a unit that is complete', ['retry', 'other'], 1, /is complete\n {2}hint: .*--fresh/],
    ])('%s', async (_, words, exitCode, message) => {
      expect(await world.project.choo(...words)).toMatchObject({
        exitCode,
        stdout: '',
        stderr: expect.stringMatching(message),
      });
    });
  });
});

test('a run is not changed while another one is under way', async () => {
  await using project = await makeProject({
    units: { red: { tasks: [{ gate: 'false', sh: 'true' }] } },
    config: 'limits: { attempts: 1 }\n',
  });
  await project.run();
  const { run: older } = await statusOf(project);
  writeFileSync(
    join(project.path, 'specs/tasks/red/01-step.md'),
    '---\ntask: 1\nstatus: pending\nbackpressure: test -e red\ndepends_on: []\n---\n\n# Step\n\n```sh rehearsal\nsleep 600.2107\n```\n',
  );
  await project.git('commit', '-qam', 'Take longer');
  const run = start(project);
  await untilRunning(/sleep 600\.2107$/);
  for (const words of [['retry'], ['skip', 'red'], ['cancel', 'red']])
    expect(await project.choo(...words, '--run', older)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/run `\w{10}` has been running since .* \(process \d+\)/),
    });
  expect((await project.choo('cancel')).exitCode).toBe(0); // the one that is under way
  expect((await run).exitCode).toBe(1);
});
