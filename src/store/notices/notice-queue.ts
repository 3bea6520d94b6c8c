import { fromKysely, type JobWithMetadata, PgBoss } from 'pg-boss';
import { createHash } from 'node:crypto';
import type { Notice } from '../../notify/notice.ts';
import type { Endpoint, Sent } from '../../notify/send.ts';
import { type DatabaseAddress, JOB_SCHEMA, type Trx } from '../database/database.ts';

/** A notice, with what it is about: the same thing is told once to each endpoint. */
export interface NewNotice {
  readonly source: string;
  readonly notice: Notice;
}

/** A notice that is due. */
export interface DueNotice {
  /** The same for each try. */
  readonly id: string;
  readonly notice: Notice;
  /** When it was found. */
  readonly at: Date;
  /** Those before this one. */
  readonly tries: number;
}

/** Fourteen tries within three days, the pauses doubling from half a minute: as Standard Webhooks asks. */
const TRIES = { retryLimit: 13, retryDelay: 30, retryBackoff: true };
/** A try that has no result after so long is tried again: its process died. Seconds. */
const EXPIRE_SECONDS = 60;
const DAY_SECONDS = 86_400;
/** How long it is known that a notice was told: what is nearly spent stays so for as long as its run can go on. Days. */
const KEPT_DAYS = 400;

/**
 * The notices that wait to be told, as jobs of pg-boss: a queue for each endpoint. They are stored in the transaction that finds
 * them. What is told twice has the same id: only a crash between the answer and its note does that.
 */
export class NoticeQueue implements AsyncDisposable {
  readonly #boss: PgBoss;
  readonly #endpoints: readonly Endpoint[];
  /** Endpoints that answered that they want nothing more; they are asked again after a restart. */
  readonly #gone = new Set<Endpoint>();

  private constructor(boss: PgBoss, endpoints: readonly Endpoint[]) {
    this.#boss = boss;
    this.#endpoints = endpoints;
  }

  /** Makes the tables of the jobs where they are missing. */
  static async open(
    address: DatabaseAddress,
    endpoints: readonly Endpoint[],
    onError: (error: Error) => void,
  ): Promise<NoticeQueue> {
    const boss = new PgBoss({
      // No search path: pg-boss qualifies its tables with their schema.
      ...('url' in address ? { connectionString: address.url } : address),
      application_name: 'choo notices',
      schema: JOB_SCHEMA,
      max: 2,
      schedule: false,
      registerInstance: false,
      openTelemetry: { enabled: false },
    });
    boss.on('error', onError);
    await boss.start();
    for (const endpoint of endpoints)
      await boss.createQueue(queueOf(endpoint), {
        ...TRIES,
        expireInSeconds: EXPIRE_SECONDS,
        deleteAfterSeconds: KEPT_DAYS * DAY_SECONDS,
      });
    return new NoticeQueue(boss, endpoints);
  }

  /** Stores notices for each endpoint; those that it knows are left out. */
  async save(trx: Trx, notices: readonly NewNotice[]): Promise<void> {
    if (notices.length === 0) return;
    for (const endpoint of this.#endpoints.filter((each) => !this.#gone.has(each))) {
      const jobs = notices.map(({ source, notice }) => ({ id: idOf(source), data: notice }));
      await this.#boss.insert(queueOf(endpoint), jobs, { db: fromKysely(trx) });
    }
  }

  /** Tells an endpoint the notice that has waited longest. Undefined: none is due. */
  async tellNext(endpoint: Endpoint, tell: (notice: DueNotice) => Promise<Sent>): Promise<Sent | undefined> {
    if (this.#gone.has(endpoint)) return undefined;
    const queue = queueOf(endpoint);
    const [job] = await this.#boss.fetch<Notice>(queue, { includeMetadata: true });
    if (job === undefined) return undefined;
    const sent = await tell(noticeOf(job));
    if (sent.kind === 'failed') {
      await this.#boss.fail(queue, job, { reason: sent.reason });
      const after = Date.now() + sent.retryAfterMs;
      const [waiting] = await this.#boss.findJobs(queue, { id: job.id });
      if (waiting?.state === 'retry' && waiting.startAfter.getTime() < after)
        await this.#boss.update(queue, job.data, { id: job.id, startAfter: new Date(after) });
    } else {
      await this.#boss.complete(queue, job);
    }
    if (sent.kind === 'gone') {
      this.#gone.add(endpoint);
      await this.#boss.deleteQueuedJobs(queue);
    }
    return sent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#boss.stop({ graceful: false });
  }
}

function noticeOf({
  id,
  data: notice,
  createdOn: at,
  retryCount: tries,
}: JobWithMetadata<Notice>): DueNotice {
  return { id: `msg_${id.replaceAll('-', '')}`, notice, at, tries };
}

/** The name of an endpoint's queue, without its address, which is a secret. */
function queueOf({ channel, url }: Endpoint): string {
  return `notices-${channel}-${createHash('sha256').update(url).digest('hex').slice(0, 16)}`;
}

/** The id of the job about something: a UUID, made from it. */
function idOf(source: string): string {
  const digest = createHash('sha256').update(source).digest('hex');
  return digest.slice(0, 32).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-8$3-8$4-$5');
}
