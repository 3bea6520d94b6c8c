import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNoProcess, liveProcesses, untilRunning } from '../helpers/live-processes.ts';
import { makeServerProject, type ServerProject } from '../helpers/server-project.ts';
import { ended } from '../helpers/server-waits.ts';

/** Work that takes a moment; `mark` is seen in the process list. */
const work = (name: string, mark: string, seconds = '0.3') => ({
  gate: `test -e ${name}`,
  sh: `sleep ${seconds}${mark}; echo ${name} > ${name}`,
});

async function statesOf(project: ServerProject, run: string): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await project.status(run)).units.map(({ id, state }) => [id, state]));
}

async function story(project: ServerProject, unit: string): Promise<readonly string[]> {
  const log = await project.git(
    'log',
    '--reverse',
    '--no-merges',
    '--format=%s',
    `main..choo/unit/main/${unit}`,
  );
  return log === '' ? [] : log.split('\n');
}

const TWO = {
  a: { tasks: [work('a1', '01'), work('a2', '02')] },
  b: { dependsOn: ['a'], tasks: [work('b1', '03')] },
};

describe('a server started as one process', () => {
  test('carries out what is submitted, tells how far it is, and satisfies what is asked again', async () => {
    await using project = await makeServerProject({ units: TWO }, {}, { isNew: true });
    const server = await project.serve({ environment: { CHOO_BOTS: '7' } });
    expect(server.log().filter(({ old }) => old !== undefined)).toMatchObject([
      { old: 'CHOO_BOTS', name: 'CHOO_ALLOWED_BOTS', level: 40 },
    ]);
    expect(await (await fetch(`http://127.0.0.1:${server.port}/healthz`)).json()).toEqual({ alive: true });
    expect(await (await fetch(`http://127.0.0.1:${server.port}/readyz`)).json()).toEqual({ ready: true });
    expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(404);
    const run = await project.submit();
    const followed = project.choo('logs', 'a', run, '--follow');
    expect(await ended(project, run)).toBe('complete');
    expect(await story(project, 'a')).toEqual(['Step 1 of a', 'Step 2 of a']);
    expect(await story(project, 'b')).toEqual(['Step 1 of a', 'Step 2 of a', 'Step 1 of b']);
    const log = await followed;
    expect(log.stdout).toContain('task 2 is complete');
    expect(log.exitCode).toBe(0);
    const heads = await project.git('for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads');
    const again = await project.submit();
    expect(await ended(project, again)).toBe('complete');
    expect(await project.git('for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads')).toBe(heads);
    const { stdout } = await project.choo('logs', 'a', again, '--json');
    expect(
      stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line).type),
    ).toEqual(['unit.queued', 'unit.satisfied']);
  });

  test('refuses specs with errors, and a remote that is none', async () => {
    await using project = await makeServerProject({ units: { a: { tasks: [{ gate: '""' }] } } });
    const { exitCode, stderr } = await project.choo('submit', project.remote);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('01-step.md')]);
    expect(await project.choo('submit', 'ext::sh -c true')).toMatchObject({ exitCode: 2 });
    expect(await project.choo('status', 'nothinghere')).toMatchObject({ exitCode: 2 });
    expect(await project.choo('cancel', 'nothinghere')).toMatchObject({ exitCode: 2 });
  });

  test('that cannot reach its database says so, and not with what password', async () => {
    const environment = { DATABASE_URL: 'postgres://choo:hidden-word@127.0.0.1:1/choo' };
    await using project = await makeServerProject({ units: TWO }, environment);
    for (const words of [['serve'], ['status'], ['submit', project.remote], ['db', 'status']]) {
      const { exitCode, stdout, stderr } = await project.choo(...words);
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringMatching(/cannot be reached.*\n {2}hint: check DATABASE_URL/),
      ]);
      expect(stdout + stderr).not.toContain('hidden-word');
    }
  });

  test('that is killed goes on at its next start, from the last commit', async () => {
    await using project = await makeServerProject({
      units: {
        a: { tasks: [work('a1', '11'), work('a2', '12', '3.0')] },
        c: { tasks: [work('c1', '13', '3.0')] },
      },
      config: 'parallelism: 2\n',
    });
    const first = await project.serve({ environment: { CHOO_CONCURRENCY: '2' } });
    const run = await project.submit();
    await untilRunning(/sleep 3\.012/);
    first.child.kill('SIGKILL');
    await first.child;
    const before = await story(project, 'a');
    const second = await project.serve({ environment: { CHOO_CONCURRENCY: '2' } });
    const started = `select 1 from events where unit = 'a' and body->>'type' = 'unit.started' and body->>'claim' = '2'`;
    await expect.poll(() => project.rows(started), { interval: 50, timeout: 30_000 }).toHaveLength(1);
    const log = (await project.choo('logs', 'a', run, '--json')).stdout.split('\n').filter(Boolean);
    const again = log.map((line) => JSON.parse(line)).find((event) => event.claim === 2);
    // At once, and not because the first has been silent for too long.
    const returned = `select distinct body->>'reason' as reason from events where body->>'type' = 'unit.released'`;
    expect(await project.rows(returned)).toEqual([{ reason: 'its worker died' }]);
    expect(again.tasks).toEqual([1]);
    expect(await ended(project, run)).toBe('complete');
    expect(before).toEqual(['Step 1 of a']);
    expect(await story(project, 'a')).toEqual(['Step 1 of a', 'Step 2 of a']);
    expect(second.log().map(({ msg }) => msg)).toContain(
      'a worker of this machine died; ended its processes',
    );
  });

  test('hands back what it does when it is told to stop, and leaves nothing behind', async () => {
    await using project = await makeServerProject({
      units: { a: { tasks: [work('a1', '31'), work('a2', '32', '60.0')] } },
    });
    const first = await project.serve();
    const run = await project.submit();
    await untilRunning(/sleep 60\.032/);
    const askedAt = performance.now();
    first.child.kill('SIGTERM');
    expect(await first.child).toMatchObject({ exitCode: 0 });
    expect(performance.now() - askedAt).toBeLessThan(50_000); // it does not wait for the end of the work
    expect(await liveProcesses(new RegExp(`sleep 60\\.032|postgres.*${project.dataDirectory}`))).toEqual([]);
    expect(existsSync(join(project.dataDirectory, 'postgres/postmaster.pid'))).toBe(false);
    const [home = ''] = readdirSync(join(project.dataDirectory, 'repositories'));
    expect(readdirSync(join(project.dataDirectory, 'repositories', home, 'worktrees'))).toEqual([]);
    expect(await statesOf(project, run)).toEqual({ a: 'pending' });
  });

  test('waits for what runs when it is told to stop, and not when it is told twice', async () => {
    await using project = await makeServerProject({ units: { a: { tasks: [work('a1', '51', '60.0')] } } });
    const { child } = await project.serve({ environment: { CHOO_DRAIN_SECONDS: '60' } });
    const run = await project.submit();
    await untilRunning(/sleep 60\.051/);
    child.kill('SIGTERM');
    const waited = Promise.race([child, new Promise((resolve) => setTimeout(() => resolve('waits'), 3_000))]);
    expect(await waited).toBe('waits');
    child.kill('SIGTERM');
    expect(await child).toMatchObject({ exitCode: 0 });
    expect(await liveProcesses(/sleep 60\.051/)).toEqual([]);
    expect(await statesOf(project, run)).toEqual({ a: 'pending' });
  });
});

describe('a server that goes on', () => {
  let project: ServerProject;
  beforeAll(async () => {
    const units = {
      ...TWO,
      long: { tasks: [work('l1', '21'), work('l2', '22', '60.0')] },
      three: { tasks: [work('t1', '41'), work('t2', '42', '3.0'), work('t3', '43')] },
    };
    project = await makeServerProject({ units });
    await project.serve();
  });
  afterAll(async () => project[Symbol.asyncDispose]());

  test('ends work within five seconds when it is cancelled, and keeps the commits', async () => {
    const run = await project.submit('--unit', 'long');
    await untilRunning(/sleep 60\.022/);
    expect(await project.choo('cancel', run)).toMatchObject({ exitCode: 0 });
    await expectNoProcess(/sleep 60\.022/);
    expect(await project.status(run)).toMatchObject({ status: 'cancelled', units: [{ state: 'cancelled' }] });
    expect(await story(project, 'long')).toEqual(['Step 1 of long']);
    expect(await project.choo('cancel', run)).toMatchObject({ exitCode: 1 });
    expect(await project.choo('skip', run, 'long')).toMatchObject({ exitCode: 0 });
    expect(await ended(project, run)).toBe('complete');
    expect(await statesOf(project, run)).toEqual({ long: 'skipped' });
  });

  test('goes on by itself when its database was killed', async () => {
    const run = await project.submit('--unit', 'three');
    await untilRunning(/sleep 3\.042/);
    const [postmaster = ''] = readFileSync(
      join(project.dataDirectory, 'postgres/postmaster.pid'),
      'utf8',
    ).split('\n');
    process.kill(Number(postmaster), 'SIGKILL');
    expect(await ended(project, run)).toBe('complete');
    expect(await story(project, 'three')).toEqual(['Step 1 of three', 'Step 2 of three', 'Step 3 of three']);
  });

  test('starts a unit over, or does tasks again, when that is asked for', async () => {
    const run = await project.submit('--unit', 'b');
    expect(await ended(project, run)).toBe('complete');
    const old = await project.git('rev-parse', 'choo/unit/main/a');
    expect(await project.choo('retry', run, 'a', '--fresh')).toMatchObject({ exitCode: 0 });
    expect(await ended(project, run)).toBe('complete');
    expect(await project.git('rev-parse', 'choo/unit/main/a')).not.toBe(old);
    const kept = await project.git('for-each-ref', '--format=%(objectname)', 'refs/heads/choo/old');
    expect(kept).toBe(old);
    expect(await story(project, 'a')).toEqual(['Step 1 of a', 'Step 2 of a']);
    expect(await project.choo('retry', run)).toMatchObject({ exitCode: 1 });
  });
});
