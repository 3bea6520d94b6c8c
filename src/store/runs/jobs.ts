import { fromKysely, type JobAttempt, PgBoss } from 'pg-boss';
import { type DatabaseAddress, JOB_SCHEMA, type Trx } from '../database/database.ts';

/** A unit that may start, as a job. */
export interface UnitJobRow {
  readonly id: string;
  readonly unit: string;
  /** Larger first. */
  readonly priority: number;
  /** Not before. */
  readonly startAfter?: Date;
}

/** A job that was fetched: by whom it is settled is told by how often it was tried before. */
export interface FetchedJob extends JobAttempt {
  readonly unit: string;
}

/** How often a job may come back without an end. What an agent fails at, and what kills workers, is counted elsewhere. */
export const MAX_JOB_RETRIES = 5;
const DAY_SECONDS = 86_400;

/**
 * The units that may start, as jobs of pg-boss; one queue a run, so that whoever claims chooses the run and the queue gives
 * the most urgent of its units. Every change belongs to a transaction of ours.
 */
export class Jobs implements AsyncDisposable {
  readonly #boss: PgBoss;

  private constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  /** `supervise`: this process keeps the queues tidy. `migrate`: it may bring their tables up to date. */
  static async open(
    address: DatabaseAddress,
    { supervise, onError }: { readonly supervise: boolean; readonly onError: (error: Error) => void },
  ): Promise<Jobs> {
    const boss = new PgBoss({
      // Its tables are named with their schema.
      ...('url' in address ? { connectionString: address.url } : address),
      application_name: 'choo jobs',
      schema: JOB_SCHEMA,
      max: 2,
      supervise,
      schedule: false,
      registerInstance: false,
      openTelemetry: { enabled: false },
    });
    boss.on('error', onError);
    await boss.start();
    return new Jobs(boss);
  }

  /** Makes the queue of a run unless it is there. Not part of any transaction: an empty queue harms nobody. */
  async prepare(run: string): Promise<void> {
    await this.#boss.createQueue(queueOf(run), {
      retryLimit: MAX_JOB_RETRIES,
      retryDelay: 0,
      expireInSeconds: DAY_SECONDS, // the longest there is; a claim ends before
      retentionSeconds: 3_650 * DAY_SECONDS,
    });
  }

  async insert(trx: Trx, run: string, jobs: readonly UnitJobRow[]): Promise<void> {
    if (jobs.length === 0) return;
    const rows = jobs.map(({ id, unit, priority, startAfter }) => ({
      id,
      data: { unit },
      priority,
      ...(startAfter === undefined ? {} : { startAfter }),
    }));
    await this.#boss.insert(queueOf(run), rows, { db: fromKysely(trx) });
  }

  /** The most urgent jobs of a run that are due, now active. */
  async fetch(trx: Trx, run: string, count: number): Promise<readonly FetchedJob[]> {
    const found = await this.#boss.fetch<{ unit: string }>(queueOf(run), {
      batchSize: count,
      includeMetadata: true,
      db: fromKysely(trx),
    });
    return found.map(({ id, retryCount, data }) => ({ id, retryCount, unit: data.unit }));
  }

  /** Takes jobs away whose units ended. One that somebody else has taken over since stays. */
  async complete(trx: Trx, run: string, jobs: readonly JobAttempt[]): Promise<void> {
    if (jobs.length > 0) await this.#boss.complete(queueOf(run), [...jobs], null, { db: fromKysely(trx) });
  }

  /** Gives a job back whose worker did not get on with it. False: it was the last time. */
  async giveBack(trx: Trx, run: string, job: JobAttempt): Promise<boolean> {
    const db = fromKysely(trx);
    await this.#boss.fail(queueOf(run), [job], null, { db });
    const [found] = await this.#boss.findJobs(queueOf(run), { id: job.id, db });
    return found?.state === 'retry' || found?.state === 'created';
  }

  async cancel(trx: Trx, run: string, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#boss.cancel(queueOf(run), [...ids], { db: fromKysely(trx) });
  }

  /** Removes the queue of a run that ended, and its jobs. */
  async drop(run: string): Promise<void> {
    await this.#boss.deleteQueue(queueOf(run));
  }

  /** The runs that have a queue. */
  async runs(): Promise<readonly string[]> {
    const queues = await this.#boss.getQueues();
    return queues.flatMap(({ name }) => (name.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#boss.stop({ graceful: false });
  }
}

const PREFIX = 'run-';

function queueOf(run: string): string {
  return PREFIX + run;
}
