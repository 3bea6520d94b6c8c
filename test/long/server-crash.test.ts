import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { compareText } from '../../src/problems/problem.ts';
import { DATABASE, ROLE } from '../../src/store/embedded/postgres-cluster.ts';
import { openDatabaseProxy } from '../helpers/database-proxy.ts';
import { liveProcesses, untilRunning } from '../helpers/live-processes.ts';
import { IS_WHOLE } from '../helpers/long-part.ts';
import { makeServerProject, type ServerProcess, type ServerProject } from '../helpers/server-project.ts';
import type { UnitSpec } from '../helpers/spec-project.ts';

/** How often a worker is killed. */
const KILLS = IS_WHOLE ? 10 : 3;
const SEED = Number(process.env['CHOO_TEST_SEED'] ?? 1);
const UNITS = 60;
const LIMITS = { parallelism: 6, all: 5, each: 2 };

/** Numbers from 0 to below `limit`, the same for the same seed. */
function createRandom(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

type Kind = 'green' | 'red-once' | 'red';

/** A graph of units; the gates of some are red at the first attempt, of a few for ever. */
function makeUnits(random: (limit: number) => number): {
  readonly units: Readonly<Record<string, UnitSpec>>;
  readonly kinds: ReadonlyMap<string, Kind>;
  readonly expected: ReadonlyMap<string, 'complete' | 'failed' | 'blocked'>;
} {
  const units: Record<string, UnitSpec> = {};
  const kinds = new Map<string, Kind>();
  const expected = new Map<string, 'complete' | 'failed' | 'blocked'>();
  for (let at = 0; at < UNITS; at += 1) {
    const id = `u${at}`;
    const dependsOn = [...new Set([at, at].map(() => random(at * 2 + 2)))]
      .filter((other) => other < at && at >= 6)
      .map((other) => `u${other}`);
    // The last ones fail, so that not all the rest is blocked.
    const kind: Kind = at >= 50 && at % 3 === 0 ? 'red' : random(4) === 0 ? 'red-once' : 'green';
    kinds.set(id, kind);
    const isBlocked = dependsOn.some((other) => expected.get(other) !== 'complete');
    expected.set(id, isBlocked ? 'blocked' : kind === 'red' ? 'failed' : 'complete');
    const gate = {
      green: `test -e ${id}.done`,
      'red-once': `test "$(cat ${id}.done)" -ge 2`,
      red: `test -e ${id}.never`,
    }[kind];
    const sh = `sleep 0.27; n=$(cat ${id}.done 2>/dev/null || echo 0); echo $((n + 1)) > ${id}.done`;
    units[id] = { dependsOn, tasks: [{ gate: JSON.stringify(gate), sh }] };
  }
  return { units, kinds, expected };
}

/** Says what was more at once than may be. */
async function findExcess(project: ServerProject): Promise<readonly string[]> {
  const rows = await project
    .rows('select worker, count(*)::int as units from units where worker is not null group by worker')
    .catch(() => []); // it is being killed
  const counts = rows.map(({ units }) => Number(units));
  const all = counts.reduce((sum, count) => sum + count, 0);
  return [
    ...(all > LIMITS.all ? [`${all} units at once`] : []),
    ...(Math.max(0, ...counts) > LIMITS.each ? [`${Math.max(...counts)} units in one process`] : []),
  ];
}

test(`three workers carry out ${UNITS} units, though ${KILLS} of them are killed, and the database, and a connection (seed ${SEED})`, async () => {
  const random = createRandom(SEED);
  const { units, kinds, expected } = makeUnits(random);
  // An attempt that a crash cut off counts: as many more as there are crashes, for who is hit by all of them.
  const config = `parallelism: ${LIMITS.parallelism}\nlimits: { attempts: ${KILLS + 4} }\n`;
  await using project = await makeServerProject(
    { units, config },
    { CHOO_CONCURRENCY: String(LIMITS.each), CHOO_MAX_UNITS: String(LIMITS.all) },
  );
  const elsewhere = await mkdtemp(join(tmpdir(), 'choo-elsewhere-'));
  const workers: ServerProcess[] = [await project.serve(), await project.serve({ role: 'worker' })];
  await using proxy = await openDatabaseProxy(project.socket());
  // The third is on another machine, as far as it knows: its own directory, and the database behind a network.
  const url = `postgres://${ROLE}@localhost/${DATABASE}?host=${encodeURIComponent(proxy.host)}`;
  const far = await project.serve({
    role: 'worker',
    environment: { CHOO_DATA_DIR: elsewhere, DATABASE_URL: url },
  });
  const run = await project.submit();

  const excess: string[] = [];
  const watching = new AbortController();
  const watch = (async () => {
    while (!watching.signal.aborted) {
      excess.push(...(await findExcess(project)));
      await sleep(100);
    }
  })();

  for (let kill = 0; kill < KILLS; kill += 1) {
    await sleep(2_000 + random(2_000));
    const victim = workers.splice(random(workers.length), 1)[0];
    victim?.child.kill('SIGKILL');
    await victim?.child;
    workers.push(await project.serve({ role: 'worker' }));
    if (kill === 0) {
      await untilRunning(/sleep 0\.27/);
      proxy.cut();
      await sleep(1_000);
      proxy.mend();
    }
    if (kill === 1) {
      const file = join(project.dataDirectory, 'postgres/postmaster.pid');
      process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), 'SIGKILL');
    }
  }
  const status = async (): Promise<unknown> =>
    (await project.rows(`select status from runs where id = '${run}'`).catch(() => []))[0]?.['status'];
  await expect.poll(status, { interval: 200, timeout: 240_000 }).toBe('failed');
  watching.abort();
  await watch;
  expect(excess).toEqual([]);

  // Every unit ended as its gate says, once.
  const rows = await project.rows('select id, state, worker, head from units');
  expect(new Map(rows.map(({ id, state }) => [id, state]))).toEqual(new Map(expected));
  expect(rows.filter(({ worker }) => worker !== null)).toEqual([]);
  const twice = await project.rows(
    `select unit from events where body->>'type' in ('unit.completed', 'unit.failed') group by unit having count(*) > 1`,
  );
  expect(twice).toEqual([]);

  // One commit a task, each on a tree its gate passes on.
  const complete = [...expected].filter(([, state]) => state === 'complete').map(([id]) => id);
  const branches = await project.git('for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/choo/unit');
  const trailers =
    '%(trailers:key=Choo-Unit,valueonly,separator=)%x00%(trailers:key=Choo-Run,valueonly,separator=)';
  const log = await project.git(
    'log',
    '--no-merges',
    `--format=%H%x00${trailers}`,
    ...branches.split('\n').filter(Boolean),
    '^main',
  );
  const commits = log
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\0'));
  expect(commits.map(([, unit = '']) => unit).sort(compareText)).toEqual(complete.sort(compareText));
  for (const [commit = '', unit = '', by] of commits) {
    const count = Number(await project.git('show', `${commit}:${unit}.done`));
    expect([unit, by, count]).toEqual([
      unit,
      run,
      kinds.get(unit) === 'red-once' ? Math.max(2, count) : count,
    ]);
  }
  for (const { id, state, head } of rows.filter(({ state }) => state === 'complete')) {
    expect([id, state, await project.git('rev-parse', `choo/unit/main/${String(id)}`)]).toEqual([
      id,
      'complete',
      head,
    ]);
  }
  await project.git('fsck', '--strict', '--no-dangling');

  // Nothing is alive, locked or left.
  for (const worker of [...workers, far]) worker.child.kill('SIGTERM');
  const ends = await Promise.all([...workers, far].map(async ({ child }) => child));
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  expect(await liveProcesses(new RegExp(`sleep 0\\.27|postgres.*${project.dataDirectory}`))).toEqual([]);
  for (const directory of [project.dataDirectory, elsewhere])
    for (const home of readdirSync(join(directory, 'repositories'))) {
      expect(readdirSync(join(directory, 'repositories', home, 'worktrees'))).toEqual([]);
      expect(readdirSync(join(directory, 'repositories', home, 'scratch'))).toEqual([]);
    }
  await rm(elsewhere, { recursive: true, force: true });
}, 400_000);
