import { fromKysely, type JobAttempt, PgBoss } from 'pg-boss';
import { type DatabaseAddress, JOB_SCHEMA, type Trx } from '../database/database.ts';

/** The job of a unit that may start. */
export interface UnitJobRow {
  readonly id: string;
  readonly unit: string;
  /** Larger first. */
  readonly priority: number;
  /** Earliest start. */
  readonly startAfter?: Date;
}

/** A fetched job. `retryCount` identifies this fetch when the job is settled. */
export interface FetchedJob extends JobAttempt {
  readonly unit: string;
}

/** How often a job may be given back unfinished. Failed attempts and dead workers are counted elsewhere. */
export const MAX_JOB_RETRIES = 5;
const DAY_SECONDS = 86_400;

/**
 * The units that may start, as jobs of pg-boss. Each run has its own queue: the claim chooses the run, and the queue returns
 * the most urgent of its units. Every change is part of one of our transactions.
 */
export class Jobs implements AsyncDisposable {
  readonly #boss: PgBoss;

  private constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  /** `supervise`: this process runs the maintenance of the queues. */
  static async open(
    address: DatabaseAddress,
    { supervise, onError }: { readonly supervise: boolean; readonly onError: (error: Error) => void },
  ): Promise<Jobs> {
    const boss = new PgBoss({
      // No search path: pg-boss qualifies its tables with their schema.
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

  /** Makes the queue of a run unless it exists. Not part of any transaction: an empty queue does no harm. */
  async prepare(run: string): Promise<void> {
    await this.#boss.createQueue(queueOf(run), {
      retryLimit: MAX_JOB_RETRIES,
      retryDelay: 0,
      expireInSeconds: DAY_SECONDS, // the longest that pg-boss allows; a claim ends before
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

  /** Fetches the most urgent due jobs of a run; they are active afterwards. */
  async fetch(trx: Trx, run: string, count: number): Promise<readonly FetchedJob[]> {
    const found = await this.#boss.fetch<{ unit: string }>(queueOf(run), {
      batchSize: count,
      includeMetadata: true,
      db: fromKysely(trx),
    });
    return found.map(({ id, retryCount, data }) => ({ id, retryCount, unit: data.unit }));
  }

  /** Completes the jobs of ended units. A job that another worker fetched since is left alone. */
  async complete(trx: Trx, run: string, jobs: readonly JobAttempt[]): Promise<void> {
    if (jobs.length > 0) await this.#boss.complete(queueOf(run), [...jobs], null, { db: fromKysely(trx) });
  }

  /** Returns an unfinished job to its queue. False: it has no retries left. */
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

  /** The runs that have a queue, and since when. */
  async queues(): Promise<readonly { readonly run: string; readonly since: Date }[]> {
    const queues = await this.#boss.getQueues();
    return queues.flatMap(({ name, createdOn }) =>
      name.startsWith(PREFIX) ? [{ run: name.slice(PREFIX.length), since: createdOn }] : [],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#boss.stop({ graceful: false });
  }
}

const PREFIX = 'run-';

function queueOf(run: string): string {
  return PREFIX + run;
}
