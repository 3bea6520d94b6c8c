import { Worker } from 'node:worker_threads';
import { ChooError, type ErrorCode } from '../errors.ts';

/** What one job may take. */
export interface JobLimits {
  /** Of the thread's own processor time: busy neighbours do not count. Milliseconds. */
  readonly cpuMs: number;
  /** From the job's start to its end, waiting included. Milliseconds. */
  readonly wallMs: number;
  /** Of the engine's heap, which all jobs of one thread share. MiB. */
  readonly heapMiB: number;
}

/** What a thread is asked for: a function of its module, by name, and the one value that it gets. */
export interface Job {
  readonly name: string;
  readonly input: unknown;
}

/** How a job ended. After `over`, and when one is stopped that has begun, the thread is gone. */
export type JobEnd =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'over'; readonly limit: 'time' | 'memory' }
  | { readonly kind: 'stopped' };

/** What a thread says. */
export type ThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly code: ErrorCode; readonly message: string; readonly hint?: string };

const ENTRY = new URL('thread-entry.ts', import.meta.url);

/** How often the processor time of a job is looked at. Milliseconds. */
const LOOK_MS = 100;

/** One worker thread. It does one job at a time, and one that takes too much is ended together with the thread. */
export class Thread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #limits: JobLimits;
  /** How it died by itself. */
  readonly #death = Promise.withResolvers<JobEnd>();
  #isAlive = true;

  private constructor(worker: Worker, limits: JobLimits) {
    this.#worker = worker;
    this.#limits = limits;
    this.#death.promise.catch(() => {}); // told with the job that it met
    worker.once('error', (error: Error & { readonly code?: string }) => {
      this.#isAlive = false;
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') this.#death.resolve({ kind: 'over', limit: 'memory' });
      else this.#death.reject(error);
    });
    worker.once('exit', () => {
      this.#isAlive = false;
      this.#death.reject(new ChooError('internal', 'a thread ended by itself'));
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** `module` exports `createJobs`: a function that returns the functions of its jobs, by name. */
  static async start(module: URL, limits: JobLimits): Promise<Thread> {
    const worker = new Worker(ENTRY, {
      workerData: module.href,
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMiB },
    });
    const thread = new Thread(worker, limits);
    const ready = Promise.withResolvers<undefined>();
    worker.once('message', () => ready.resolve(undefined));
    const death = await Promise.race([ready.promise, thread.#death.promise]);
    if (death !== undefined) throw new ChooError('internal', 'a thread could not start');
    return thread;
  }

  /** Does a job. Throws what the job throws, as a ChooError; rejects, too, when the thread dies of anything but its limits. */
  async perform(job: Job, signal: AbortSignal): Promise<JobEnd> {
    const { cpuMs, wallMs } = this.#limits;
    const before = await this.#worker.cpuUsage();
    if (signal.aborted) return { kind: 'stopped' };
    const ended = Promise.withResolvers<JobEnd>();
    const over = (): void => ended.resolve({ kind: 'over', limit: 'time' });
    const onAbort = (): void => ended.resolve({ kind: 'stopped' });
    const onMessage = (message: ThreadMessage): void => {
      if (message.kind === 'done') ended.resolve(message);
      if (message.kind !== 'threw') return;
      const { code, message: words, hint } = message;
      ended.reject(new ChooError(code, words, hint === undefined ? {} : { hint }));
    };
    const look = async (): Promise<void> => {
      const { user, system } = await this.#worker.cpuUsage(before);
      if ((user + system) / 1_000 > cpuMs) over();
    };
    this.#worker.on('message', onMessage);
    signal.addEventListener('abort', onAbort);
    const looking = setInterval(() => void look().catch(() => {}), LOOK_MS); // it cannot look at a thread that is gone
    const latest = setTimeout(over, wallMs);
    try {
      this.#worker.postMessage(job, []); // nothing of it is handed over
      const end = await Promise.race([ended.promise, this.#death.promise]);
      return end.kind === 'done' ? end : await this.#end(end);
    } finally {
      clearInterval(looking);
      clearTimeout(latest);
      signal.removeEventListener('abort', onAbort);
      this.#worker.off('message', onMessage);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  async #end(end: JobEnd): Promise<JobEnd> {
    await this.#worker.terminate();
    return end;
  }
}
