import { sql } from 'kysely';
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import type { EventBody, PlannedUnit } from '../src/events/event.ts';
import { claimUnits } from '../src/store/queue/claims.ts';
import { Dispatcher } from '../src/store/queue/dispatcher.ts';
import { registerWorker } from '../src/store/queue/worker-registry.ts';
import type { Claim } from '../src/store/runs/claim.ts';
import { findOrAddRepository } from '../src/store/runs/run-reader.ts';
import { openServerStore, type ServerStore } from '../src/store/server-store.ts';
import { plannedUnit, started as firstEvent } from '../test/helpers/run-events.ts';
import { mostAtOnce, startWorker, treeCpuMs } from './engine-process.ts';
import type { BenchServer, Started } from './engine-servers.ts';
import type { WorkerTask } from './engine-worker.ts';
import { unitId } from './spec-trees.ts';

/** How many units a process works on at once. */
const CONCURRENCY = 8;
const PROCESSES = 3;
const onError = (error: unknown): void => console.error(String(error));

/** Units without and with dependencies: each on three of the ten of the layer before. */
const fan = (units: number): readonly PlannedUnit[] =>
  Array.from({ length: units }, (_, index) => plannedUnit(unitId(index)));
const layers = (units: number): readonly PlannedUnit[] =>
  Array.from({ length: units }, (_, index) => {
    const before = Math.floor(index / 10) * 10 - 10;
    const dependsOn = [0, 1, 2].map((each) => unitId(before + ((index + each) % 10)));
    return plannedUnit(unitId(index), { dependsOn: before < 0 ? [] : dependsOn });
  });

/** A new database with choo's tables, as one process has it. */
async function openStore(url: string): Promise<ServerStore> {
  return openServerStore({
    url,
    dataDirectory: '',
    name: 'bench',
    size: 20,
    tables: 'migrate',
    onError,
  });
}

interface Submitted {
  readonly run: string;
  /** Until the run has ended. */
  readonly ended: Promise<void>;
}

/** Submits a run of units that all complete; for a branch of its own. */
async function submit(
  store: ServerStore,
  repository: string,
  units: readonly PlannedUnit[],
  parallelism: number,
): Promise<Submitted> {
  const run = newRun();
  const ended = Promise.withResolvers<void>();
  const heard = new AbortController();
  // Queued and completed, each unit; and the run's first and last event.
  const last = 2 * units.length + 2;
  store.listener.subscribe((notice) => {
    if (notice.about !== 'run' || notice.run !== run || notice.seq < last) return;
    heard.abort();
    ended.resolve();
  }, heard.signal);
  const start = { ...firstEvent(units, run), parallelism, target: `branch-${run}` };
  await store.runStore.submit({ repository, start, plan: {} });
  return { run, ended: ended.promise };
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function newRun(): string {
  return randomBytes(5).toString('hex');
}

const noWork = async ({ unit }: Claim): Promise<readonly EventBody[]> => [
  { type: 'unit.completed', unit, head: 'a'.repeat(40), verified: true },
];

/** Milliseconds from submit to the start of a run's only unit, of runs after each other; and of runs of 200 units. */
export async function benchRuns(server: BenchServer): Promise<{
  readonly starts: readonly number[];
  /** Processor time of all of it, a start. Milliseconds. */
  readonly startCpuMs: number;
  readonly fanMs: readonly number[];
  readonly layersMs: readonly number[];
}> {
  await using store = await openStore(await server.createDatabase('runs'));
  const repository = await findOrAddRepository(store.database, '/bench', 'one');
  let begun = 0;
  await using _ = await Dispatcher.start({
    ...store,
    owner: 'bench',
    concurrency: CONCURRENCY,
    work: async (claim) => {
      if (begun === 0) begun = performance.now();
      return noWork(claim);
    },
    quantumMs: 600_000,
    onDead: async () => {},
    onError: (what, error) => onError(new Error(what, { cause: error })),
  });
  const starts: number[] = [];
  const cpu = (): number => server.cpuMs() + ownCpuMs();
  let cpuBefore = 0;
  for (let round = -20; round < 200; round += 1) {
    begun = 0;
    if (round === 0) cpuBefore = cpu();
    const from = performance.now();
    const { ended } = await submit(store, repository, fan(1), CONCURRENCY);
    await ended;
    if (round >= 0) starts.push(begun - from);
    await wait(5); // until all is idle
  }
  const startCpuMs = (cpu() - cpuBefore) / starts.length;
  const times = async (units: readonly PlannedUnit[]): Promise<number[]> => {
    const all: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const from = performance.now();
      await (
        await submit(store, repository, units, CONCURRENCY)
      ).ended;
      all.push(performance.now() - from);
      await wait(200);
    }
    return all;
  };
  return { starts, startCpuMs, fanMs: await times(fan(200)), layersMs: await times(layers(200)) };
}

/** Milliseconds of submitting runs of 2,000 units that nobody works on. */
export async function benchSubmit(server: BenchServer): Promise<readonly number[]> {
  await using store = await openStore(await server.createDatabase('submissions'));
  const repository = await findOrAddRepository(store.database, '/bench', 'one');
  const all: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const from = performance.now();
    await submit(store, repository, layers(2_000), CONCURRENCY);
    all.push(performance.now() - from);
  }
  return all;
}

/** What processes did together, and whether they kept to what was set. */
export interface Together {
  readonly units: number;
  readonly unitsPerSecond: number;
  /** Processor time of all processes and the database, a unit. Milliseconds. */
  readonly cpuMs: number;
  /** Claims beyond the first of a unit, by the database and by what the processes say. */
  readonly twice: number;
  /** How many units were worked on at once, at most, and how many may be: of all, and of each run. */
  readonly limits: readonly { readonly of: string; readonly most: number; readonly limit: number }[];
}

/** Processes that work on runs together, each run with its own parallelism. */
export async function benchTogether(
  server: BenchServer,
  started: Started,
  task: Pick<WorkerTask, 'workMs' | 'maxUnits'> & {
    readonly units: number;
    readonly parallelism: readonly number[];
  },
): Promise<Together> {
  const { units, parallelism, workMs, maxUnits } = task;
  const url = await server.createDatabase(maxUnits === undefined ? 'throughput' : 'limits');
  await using store = await openStore(url);
  const repository = await findOrAddRepository(store.database, '/bench', 'one');
  const options = { url, dataDirectory: '', concurrency: CONCURRENCY, workMs };
  const workers = await Promise.all(
    Array.from({ length: PROCESSES }, async () =>
      started.keep(async () => startWorker(maxUnits === undefined ? options : { ...options, maxUnits })),
    ),
  );
  const warmUp = await submit(store, repository, fan(30), 30);
  await warmUp.ended;
  const cpu = (): number =>
    server.cpuMs() + ownCpuMs() + workers.reduce((sum, { pid }) => sum + treeCpuMs(pid), 0);
  const [from, cpuBefore] = [performance.now(), cpu()];
  const runs = await Promise.all(
    parallelism.map(async (each) => submit(store, repository, fan(units), each)),
  );
  await Promise.all(runs.map(async ({ ended }) => ended));
  const seconds = (performance.now() - from) / 1_000;
  const cpuMs = cpu() - cpuBefore;
  const reports = (await Promise.all(workers.map(async (worker) => worker.finish())))
    .flat()
    .filter(({ run }) => run !== warmUp.run);
  const { rows } = await sql<{ again: number }>`
    select coalesce(sum(abs(claim - 1)), 0)::int as again from units`.execute(store.database);
  const total = units * parallelism.length;
  return {
    units: total,
    unitsPerSecond: total / seconds,
    cpuMs: cpuMs / total,
    twice: (rows[0]?.again ?? 0) + Math.abs(reports.length - total),
    limits: [
      ...runs.map(({ run }, index) => ({
        of: 'a run',
        most: mostAtOnce(reports.filter((report) => report.run === run)),
        limit: parallelism[index] ?? 0,
      })),
      { of: 'all', most: mostAtOnce(reports), limit: maxUnits ?? PROCESSES * CONCURRENCY },
    ],
  };
}

/** Milliseconds of claiming one unit, where 5,000 wait and 100,000 are finished. */
export async function benchClaims(server: BenchServer): Promise<readonly number[]> {
  await using store = await openStore(await server.createDatabase('claims'));
  const { database } = store;
  const repository = await findOrAddRepository(database, '/bench', 'one');
  await insertFinished(store, repository, 1_000, 100);
  for (let run = 0; run < 5; run += 1) await submit(store, repository, fan(1_000), 1_000);
  await sql`vacuum analyze`.execute(database); // as autovacuum would have done over the days that these took
  const { number } = await registerWorker(database, 'bench');
  const all: number[] = [];
  for (let round = -20; round < 200; round += 1) {
    const from = performance.now();
    const claims = await claimUnits(database, number, { free: 1 });
    if (round >= 0) all.push(performance.now() - from);
    if (claims.length !== 1) throw new Error(`claimed ${claims.length} units`);
  }
  return all;
}

/** Runs that ended, written as rows: each unit queued and completed. */
async function insertFinished(
  { database }: ServerStore,
  repository: string,
  runs: number,
  units: number,
): Promise<void> {
  const finished = sql`(select lpad(number::text, 10, '0') as run, number from generate_series(1, ${runs}) as number)`;
  const each = sql`${finished} as finished, generate_series(0, ${units - 1}) as unit`;
  const id = sql`'unit-' || lpad(unit::text, 4, '0')`;
  await sql`
    insert into runs (id, repository, target, status, seq, last_at, parallelism, plan, ended_at)
    select run, ${repository}, 'branch-' || run, 'complete', ${2 * units + 2}, 0, 8, '{}',
           now() - (${runs} - number) * interval '1 minute'
    from ${finished} as finished`.execute(database);
  await sql`
    insert into units (run, id, state, key, provider, priority, claim, batch, head)
    select run, ${id}, 'complete', 'key-of-' || ${id}, 'claude', 1, 1, 1, repeat('a', 40)
    from ${each}`.execute(database);
  await sql`
    insert into events (run, seq, at, unit, body)
    select run, 1, 0, null, ${JSON.stringify({ ...firstEvent(fan(1)), type: 'orch.started' })}::json
    from ${finished} as finished`.execute(database);
  for (const [type, seq] of [
    ['unit.queued', sql`unit + 2`],
    ['unit.completed', sql`unit + ${units + 2}`],
  ] as const)
    await sql`
      insert into events (run, seq, at, unit, body)
      select run, ${seq}, 0, ${id}, json_build_object('type', ${type}::text, 'unit', ${id}, 'head', repeat('a', 40))
      from ${each}`.execute(database);
}
