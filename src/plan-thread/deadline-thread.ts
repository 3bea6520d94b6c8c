import { ChooError } from '../errors.ts';
import { type Job, type JobEnd, type JobLimits, Thread } from './thread.ts';

/** Further jobs are refused: so many waiting jobs mean a fault. */
const MAX_WAITING_JOBS = 1_000;

interface Waiting {
  readonly job: Job;
  readonly owner: string;
  readonly signal: AbortSignal;
  readonly ended: PromiseWithResolvers<Exclude<JobEnd, { kind: 'stopped' }>>;
}

/**
 * Performs jobs in its own thread, one at a time, each within its limits; a thread that a job brought down is replaced.
 * An owner whose last job exceeded a limit waits until no other owner has a job.
 */
export class DeadlineThread implements AsyncDisposable {
  readonly #module: URL;
  readonly #limits: JobLimits;
  readonly #waiting: Waiting[] = [];
  readonly #late = new Set<string>();
  readonly #ending = new AbortController();
  #thread: Thread | undefined;
  /** The first thread, which starts in parallel with everything else. */
  #first: Promise<Thread> | undefined;
  #working: Promise<void> | undefined;

  /** `module`: see {@link Thread.start}. */
  constructor(module: URL, limits: JobLimits) {
    this.#module = module;
    this.#limits = limits;
    this.#first = Thread.start(module, limits);
    this.#first.catch(() => {}); // the first job rejects with it
  }

  /** Rejects with what the job throws, or, once the job has stopped, with the signal's reason. */
  async perform(
    job: Job,
    { owner, signal }: { readonly owner: string; readonly signal?: AbortSignal | undefined },
  ): Promise<Exclude<JobEnd, { kind: 'stopped' }>> {
    const stop = AbortSignal.any([this.#ending.signal, ...(signal === undefined ? [] : [signal])]);
    stop.throwIfAborted();
    if (this.#waiting.length >= MAX_WAITING_JOBS)
      throw new ChooError('environment', 'too many reads are waiting', { hint: 'choo retries later' });
    const waiting = {
      job,
      owner,
      signal: stop,
      ended: Promise.withResolvers<Exclude<JobEnd, { kind: 'stopped' }>>(),
    };
    const leave = (): void => {
      const index = this.#waiting.indexOf(waiting);
      if (index < 0) return; // already started, and stopped there
      this.#waiting.splice(index, 1);
      waiting.ended.reject(stop.reason);
    };
    stop.addEventListener('abort', leave);
    this.#waiting.push(waiting);
    this.#working ??= this.#work();
    try {
      return await waiting.ended.promise;
    } finally {
      stop.removeEventListener('abort', leave);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new ChooError('environment', 'choo is shutting down'));
    await this.#working;
    const first = await this.#first?.catch(() => undefined);
    for (const thread of [first, this.#thread]) await thread?.[Symbol.asyncDispose]();
  }

  async #work(): Promise<void> {
    for (let next = this.#takeNext(); next !== undefined; next = this.#takeNext()) {
      const { job, owner, signal, ended } = next;
      try {
        const end = await this.#perform(job, signal);
        if (end.kind === 'stopped') {
          ended.reject(signal.reason);
          continue;
        }
        if (end.kind === 'over') this.#late.add(owner);
        else this.#late.delete(owner);
        ended.resolve(end);
      } catch (error) {
        ended.reject(error);
      }
    }
    this.#working = undefined;
  }

  #takeNext(): Waiting | undefined {
    const inTime = this.#waiting.findIndex(({ owner }) => !this.#late.has(owner));
    return this.#waiting.splice(Math.max(inTime, 0), 1)[0];
  }

  async #perform(job: Job, signal: AbortSignal): Promise<JobEnd> {
    for (;;) {
      const used = this.#thread?.isAlive === true ? this.#thread : undefined;
      this.#thread = used ?? (await this.#start());
      const end = await this.#thread.perform(job, signal);
      // Memory may have been filled by what earlier jobs cached.
      const isOwnFault = end.kind !== 'over' || end.limit !== 'memory' || used === undefined;
      if (isOwnFault) return end;
    }
  }

  async #start(): Promise<Thread> {
    const first = this.#first;
    this.#first = undefined;
    return first ?? Thread.start(this.#module, this.#limits);
  }
}
