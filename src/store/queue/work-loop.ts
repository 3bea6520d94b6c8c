import type { Listener, Notice } from '../database/notifications.ts';

/** How long it waits where nobody wakes it: work may have become due. Milliseconds. */
const IDLE_MS = 1_000;
/** And after something went wrong, such as a database that is away. Milliseconds. */
const RETRY_MS = 1_000;

export interface WorkLoopOptions {
  readonly listener: Listener;
  /** What wakes it. */
  readonly about: readonly Notice['about'][];
  /** How many of these at the same time. */
  readonly width: number;
  /** Does one piece of work. False: there is none now. */
  readonly act: () => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

/** Does work as long as there is some, then waits to be woken. */
export class WorkLoop implements AsyncDisposable {
  readonly #options: WorkLoopOptions;
  readonly #ending = new AbortController();
  readonly #lives: readonly Promise<void>[];
  #woken = Promise.withResolvers<void>();

  constructor(options: WorkLoopOptions) {
    this.#options = options;
    const about: ReadonlySet<Notice['about']> = new Set([...options.about, 'connected']);
    options.listener.subscribe((notice) => {
      if (about.has(notice.about)) this.#wake();
    }, this.#ending.signal);
    this.#lives = Array.from({ length: options.width }, async () => this.#live());
  }

  /** Nothing new begins; resolves when what is under way has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#wake();
    await Promise.all(this.#lives);
  }

  #wake(): void {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers();
  }

  async #live(): Promise<void> {
    const { act, onError } = this.#options;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const woken = this.#woken.promise; // what comes while it looks is not missed
      try {
        if (await act()) continue;
        await this.#sleep(woken, IDLE_MS);
      } catch (error) {
        onError(error);
        await this.#sleep(woken, RETRY_MS);
      }
    }
  }

  async #sleep(woken: Promise<void>, ms: number): Promise<void> {
    if (this.#ending.signal.aborted) return;
    const rested = Promise.withResolvers<void>();
    const timer = setTimeout(rested.resolve, ms);
    await Promise.race([woken, rested.promise]);
    clearTimeout(timer);
  }
}
