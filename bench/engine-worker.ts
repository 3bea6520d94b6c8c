// One process of a server, for `npm run bench -- engine`: it opens the store, works on no-op units until its input ends, and
// then prints when it worked on what. Argument: a {@link WorkerTask} as JSON.
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { Dispatcher } from '../src/store/queue/dispatcher.ts';
import { openServerStore } from '../src/store/server-store.ts';

export interface WorkerTask {
  /** Undefined: the built-in PostgreSQL of the data directory. */
  readonly url?: string;
  readonly dataDirectory: string;
  readonly concurrency: number;
  readonly maxUnits?: number;
  /** How long a unit takes. Milliseconds. */
  readonly workMs: number;
}

/** A claim that was worked on. Milliseconds of a clock that all processes of the machine share. */
export interface WorkReport {
  readonly run: string;
  readonly unit: string;
  readonly claim: number;
  readonly from: number;
  readonly to: number;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const onError = (error: unknown): void => console.error(String(error));

const task = JSON.parse(process.argv[2] ?? '') as WorkerTask;
const reports: WorkReport[] = [];
{
  await using store = await openServerStore({
    url: task.url,
    dataDirectory: task.dataDirectory,
    name: 'bench worker',
    size: 10,
    tables: 'migrate',
    onError,
  });
  await using _ = await Dispatcher.start({
    ...store,
    owner: `bench-${process.pid}`,
    concurrency: task.concurrency,
    maxUnits: task.maxUnits,
    work: async ({ run, unit, claim }) => {
      const from = now();
      if (task.workMs > 0) await wait(task.workMs);
      reports.push({ run, unit, claim, from, to: now() });
      return [{ type: 'unit.completed', unit, head: 'a'.repeat(40), verified: true }];
    },
    quantumMs: 600_000,
    onDead: async () => {},
    onError: (what, error) => onError(new Error(what, { cause: error })),
  });
  console.log('ready');
  for await (const _chunk of process.stdin); // until whoever started it has enough, or is gone
}
console.log(JSON.stringify(reports));
