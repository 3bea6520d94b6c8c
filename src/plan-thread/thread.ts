import { Worker } from 'node:worker_threads';
import { ChooError, type ErrorCode } from '../errors.ts';

/** The limits of one job. */
export interface JobLimits {
  /** Processor time of the thread alone, whatever else the machine does. Milliseconds. */
  readonly cpuMs: number;
  /** Time from the job's start to its end, waiting included. Milliseconds. */
  readonly wallMs: number;
  /** The engine's heap, which all jobs of one thread share. MiB. */
  readonly heapMiB: number;
}

/** The name of a function of the thread's module, and its argument. */
export interface Job {
  readonly name: string;
  readonly input: unknown;
}

/** How a job ended. The thread is gone after `over`, and after `stopped` if the job had started. */
export type JobEnd =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'over'; readonly limit: 'time' | 'memory' }
  | { readonly kind: 'stopped' };

/** A message from a thread. */
export type ThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly code: ErrorCode; readonly message: string; readonly hint?: string };

const ENTRY = new URL('thread-entry.ts', import.meta.url);

/** Check interval of a job's processor time. Milliseconds. */
const POLL_MS = 100;

/** One worker thread, which performs one job at a time. A job that exceeds a limit is ended together with the thread. */
export class Thread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #limits: JobLimits;
  /** Settles when the thread dies by itself. */
  readonly #death = Promise.withResolvers<JobEnd>();
  #isAlive = true;

  private constructor(worker: Worker, limits: JobLimits) {
    this.#worker = worker;
    this.#limits = limits;
    this.#death.promise.catch(() => {}); // the running job rejects with it
    worker.once('error', (error: Error & { readonly code?: string }) => {
      this.#isAlive = false;
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') this.#death.resolve({ kind: 'over', limit: 'memory' });
      else this.#death.reject(error);
    });
    worker.once('exit', () => {
      this.#isAlive = false;
      this.#death.reject(new ChooError('internal', 'a thread ended unexpectedly'));
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

  /** Performs a job. Throws what the job throws, as a ChooError, or why the thread died if not by exceeding a limit. */
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
      const { code, message: text, hint } = message;
      ended.reject(new ChooError(code, text, hint === undefined ? {} : { hint }));
    };
    const checkTime = async (): Promise<void> => {
      const { user, system } = await this.#worker.cpuUsage(before);
      if ((user + system) / 1_000 > cpuMs) over();
    };
    this.#worker.on('message', onMessage);
    signal.addEventListener('abort', onAbort);
    const checking = setInterval(() => void checkTime().catch(() => {}), POLL_MS); // fails when the thread is gone
    const latest = setTimeout(over, wallMs);
    try {
      this.#worker.postMessage(job, []); // transfers nothing
      const end = await Promise.race([ended.promise, this.#death.promise]);
      return end.kind === 'done' ? end : await this.#end(end);
    } finally {
      clearInterval(checking);
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
