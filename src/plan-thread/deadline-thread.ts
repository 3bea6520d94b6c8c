import { ChooError } from '../errors.ts';
import { type Job, type JobEnd, type JobLimits, Thread } from './thread.ts';

/** More jobs than that do not wait: something is wrong. */
const MOST_WAITING = 1_000;

interface Waiting {
  readonly job: Job;
  readonly owner: string;
  readonly signal: AbortSignal;
  readonly ended: PromiseWithResolvers<Exclude<JobEnd, { kind: 'stopped' }>>;
}

/**
 * Does jobs in a thread of its own, one after the other, each within its limits; a thread that a job took down is replaced. An
 * owner whose last job took too long waits until there is no job of another one.
 */
export class DeadlineThread implements AsyncDisposable {
  readonly #module: URL;
  readonly #limits: JobLimits;
  readonly #waiting: Waiting[] = [];
  readonly #late = new Set<string>();
  readonly #ending = new AbortController();
  #thread: Thread | undefined;
  /** The first one: it starts beside everything else that starts. */
  #first: Promise<Thread> | undefined;
  #working: Promise<void> | undefined;

  /** `module`: see {@link Thread.start}. */
  constructor(module: URL, limits: JobLimits) {
    this.#module = module;
    this.#limits = limits;
    this.#first = Thread.start(module, limits);
    this.#first.catch(() => {}); // the first job is told
  }

  /** Rejects with what the job throws, and with the signal's reason as soon as nothing of the job is under way any more. */
  async perform(
    job: Job,
    { owner, signal }: { readonly owner: string; readonly signal?: AbortSignal | undefined },
  ): Promise<Exclude<JobEnd, { kind: 'stopped' }>> {
    const stop = AbortSignal.any([this.#ending.signal, ...(signal === undefined ? [] : [signal])]);
    stop.throwIfAborted();
    if (this.#waiting.length >= MOST_WAITING)
      throw new ChooError('environment', 'too much waits to be read', { hint: 'it is tried again later' });
    const waiting = {
      job,
      owner,
      signal: stop,
      ended: Promise.withResolvers<Exclude<JobEnd, { kind: 'stopped' }>>(),
    };
    const leave = (): void => {
      const index = this.#waiting.indexOf(waiting);
      if (index < 0) return; // it is under way, and ended there
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
    this.#ending.abort(new ChooError('environment', 'choo is asked to stop'));
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
      // What was kept of the jobs before may have filled the memory.
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
