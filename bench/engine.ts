import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { openEmbedded } from '../src/store/embedded/embedded.ts';
import { findPostmaster } from '../src/store/embedded/postgres-server.ts';
import { openServerStore } from '../src/store/server-store.ts';
import { type Floors, measureFloors } from './engine-floors.ts';
import { benchClaims, benchRuns, benchSubmit, benchTogether } from './engine-parts.ts';
import { residentMiB, startWorker, treePssMiB } from './engine-process.ts';
import { type BenchServer, openPlace, startBuiltIn, startDebian, Started } from './engine-servers.ts';
import { figures, table } from './measure.ts';

/** What the bare INSERT takes on a quiet machine. Above twice that, what is measured says more of the machine. */
const USUAL_INSERT_MS = 0.5;

/** A line of the table. */
interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: 'ms' | 'units/s' | 'MiB' | 'units';
  /** At most so much; of a rate at least. */
  readonly target: number;
  readonly note?: string;
}

/**
 * The durable engine with units that do nothing, on the built-in PostgreSQL and on Debian's: how soon a run starts, how many
 * units a second it comes to, what claiming costs in a database with a past. Beside a bare INSERT and a bare notice, measured
 * before and after.
 */
export async function benchEngine(): Promise<void> {
  await using started = new Started();
  let interrupted = false;
  const end = (status: number): void => {
    if (interrupted) return;
    interrupted = true;
    void started[Symbol.asyncDispose]().finally(() => process.exit(status));
  };
  const onSignal = (): void => end(130);
  const onSurprise = (error: unknown): void => {
    if (!interrupted) console.error(error);
    end(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  process.on('uncaughtException', onSurprise); // of what was under way when its server went, too
  try {
    await benchServer(await startBuiltIn(started), started);
    const debian = await startDebian(started);
    if (debian === undefined) console.log("\nDebian's PostgreSQL is not installed here.");
    else await benchServer(debian, started);
    await benchStarts(started);
  } catch (error) {
    if (interrupted) await new Promise(() => {}); // until all has ended
    throw error;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
    process.off('uncaughtException', onSurprise);
  }
}

async function benchServer(server: BenchServer, started: Started): Promise<void> {
  const { url, ...before } = await measureFloors(server);
  const { starts, startCpuMs, fanMs, layersMs } = await benchRuns(server);
  const submitMs = await benchSubmit(server);
  const together = await benchTogether(server, started, {
    units: 200,
    parallelism: [24, 24, 24, 24, 24, 24],
    workMs: 0,
  });
  const limited = await benchTogether(server, started, {
    units: 30,
    parallelism: [1, 3, 5, 24],
    workMs: 100,
    maxUnits: 10,
  });
  const claims = await benchClaims(server);
  const after = await measureFloors(server, url);
  const floors = {
    insert: Math.max(before.insert, after.insert),
    notify: before.notify,
    start: Math.max(before.start, after.start),
  };
  console.log(
    `\nThe engine on ${server.name}. Floors: a bare INSERT ${before.insert.toFixed(2)} ms before and ${after.insert.toFixed(2)} ms after, a bare NOTIFY and its answer ${before.notify.toFixed(2)} ms and ${after.notify.toFixed(2)} ms\n`,
  );
  const again = [...together.limits, ...limited.limits];
  const beyond = again.reduce((sum, { most, limit }) => sum + Math.max(0, most - limit), 0);
  printRows(floors, [
    { what: 'submit to start, idle, p50 of 200', value: quantile(starts, 0.5), unit: 'ms', target: 12 },
    { what: 'submit to start, idle, p99 of 200', value: quantile(starts, 0.99), unit: 'ms', target: 60 },
    { what: '200 units as a fan, whole run', value: figures(fanMs).median, unit: 'ms', target: 2_000 },
    { what: '200 units in 20 layers, whole run', value: figures(layersMs).median, unit: 'ms', target: 2_000 },
    { what: '3 processes x 8, 6 runs of 200', value: together.unitsPerSecond, unit: 'units/s', target: 300 },
    { what: 'units that ran twice', value: together.twice + limited.twice, unit: 'units', target: 0 },
    { what: 'units beyond a limit', value: beyond, unit: 'units', target: 0 },
    {
      what: 'claim of one, 5,000 wait, 100,000 done, p50',
      value: quantile(claims, 0.5),
      unit: 'ms',
      target: 10,
    },
    { what: 'submit of 2,000 units', value: figures(submitMs).median, unit: 'ms', target: 2_000 },
  ]);
  console.log(
    `\nA start by plain SQL (a row, a notice, its claim): ${before.start.toFixed(2)} ms before and ${after.start.toFixed(2)} ms after. CPU: ${startCpuMs.toFixed(1)} ms a start, ${together.cpuMs.toFixed(1)} ms a unit of the three processes, database included.`,
  );
  const seen = limited.limits.map(({ of, most, limit }) => `${of} ${most} of ${limit}`).join(', ');
  console.log(`\nAt once, at most, by what the processes saw: ${seen}.`);
  sayIfVoid(before, after);
}

/** The built-in PostgreSQL: how long its start takes, and what it holds. */
async function benchStarts(started: Started): Promise<void> {
  const { path } = await started.keep(openPlace);
  const [first, firstStore, warm]: number[][] = [[], [], []];
  for (let round = 0; round < 3; round += 1) {
    const directory = await mkdtemp(join(path, 'data-'));
    first?.push(await timeOf(async () => started.keep(async () => openEmbedded(directory))));
    const options = {
      dataDirectory: directory,
      name: 'bench',
      size: 10,
      url: undefined,
      tables: 'migrate' as const,
    };
    firstStore?.push(
      await timeOf(async () => started.keep(async () => openServerStore({ ...options, onError: () => {} }))),
    );
    for (let again = 0; again < 3; again += 1)
      warm?.push(await timeOf(async () => started.keep(async () => openEmbedded(directory))));
  }
  const { node, postgres } = await idleMemory(started);
  console.log('\nThe built-in PostgreSQL by itself, medians\n');
  printRows(undefined, [
    { what: 'first start', value: figures(first ?? []).median, unit: 'ms', target: 3_000 },
    { what: 'warm start', value: figures(warm ?? []).median, unit: 'ms', target: 1_000 },
    {
      what: "warm start, choo's tables made for the first time",
      value: figures(firstStore ?? []).median,
      unit: 'ms',
      target: 3_000,
    },
    { what: 'idle: Node (RSS) and PostgreSQL (PSS)', value: node + postgres, unit: 'MiB', target: 200 },
  ]);
  console.log(`\nIdle: Node ${node.toFixed(0)} MiB, PostgreSQL ${postgres.toFixed(0)} MiB.`);
}

/** Milliseconds until something is open; it is closed again outside the clock. */
async function timeOf(open: () => Promise<AsyncDisposable>): Promise<number> {
  const from = performance.now();
  await using _ = await open();
  return performance.now() - from;
}

/** What a server that has nothing to do holds after a while. MiB. */
async function idleMemory(started: Started): Promise<{ readonly node: number; readonly postgres: number }> {
  const { path } = await started.keep(openPlace);
  const worker = await started.keep(async () =>
    startWorker({ dataDirectory: path, concurrency: 8, workMs: 0 }),
  );
  await wait(10_000);
  const postmaster = await findPostmaster(join(path, 'postgres'));
  const memory = { node: residentMiB(worker.pid), postgres: treePssMiB(postmaster?.pid ?? 0) };
  await worker.finish();
  return memory;
}

function printRows(floors: Floors | undefined, rows: readonly Row[]): void {
  const head = ['what', 'measured', 'target', '', ...(floors === undefined ? [] : ['x INSERT', 'x NOTIFY'])];
  const body = rows.map(({ what, value, unit, target }) => {
    const met = unit === 'units/s' ? value >= target : value <= target;
    const ratio = (floor: number): string => (unit === 'ms' ? (value / floor).toFixed(1) : '-');
    return [
      what,
      `${shortly(value)} ${unit}`,
      `${unit === 'units/s' ? '>=' : '<='} ${target}`,
      met ? 'met' : 'MISSED',
      ...(floors === undefined ? [] : [ratio(floors.insert), ratio(floors.notify)]),
    ];
  });
  console.log(table([head, ...body]));
}

function sayIfVoid(...floors: readonly Floors[]): void {
  const worst = Math.max(...floors.map(({ insert }) => insert));
  if (worst <= 2 * USUAL_INSERT_MS) return;
  console.log(
    `\nVOID: the bare INSERT took ${worst.toFixed(2)} ms, over twice the usual ${USUAL_INSERT_MS} ms. The machine is busy: measure again.`,
  );
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

function shortly(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 100 ? 1 : 0);
}
