import type { Listener, Notice } from '../database/notifications.ts';

/** Longest wait without a notification: work may have become due. Milliseconds. */
const IDLE_MS = 1_000;
/** Wait after an error, such as an unreachable database. Milliseconds. */
const RETRY_MS = 1_000;

export interface WorkLoopOptions {
  readonly listener: Listener;
  /** The notices that wake it. */
  readonly about: readonly Notice['about'][];
  /** How many pieces of work at the same time. */
  readonly width: number;
  /** Does one piece of work. False when there is none. */
  readonly act: () => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

/** Works while there is work, then waits for a notification. */
export class WorkLoop implements AsyncDisposable {
  readonly #options: WorkLoopOptions;
  readonly #ending = new AbortController();
  readonly #loops: readonly Promise<void>[];
  #woken = Promise.withResolvers<void>();

  constructor(options: WorkLoopOptions) {
    this.#options = options;
    const about: ReadonlySet<Notice['about']> = new Set([...options.about, 'connected']);
    options.listener.subscribe((notice) => {
      if (about.has(notice.about)) this.#wake();
    }, this.#ending.signal);
    this.#loops = Array.from({ length: options.width }, async () => this.#loop());
  }

  /** Starts nothing new; resolves when the current work has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#wake();
    await Promise.all(this.#loops);
  }

  #wake(): void {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers();
  }

  async #loop(): Promise<void> {
    const { act, onError } = this.#options;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const woken = this.#woken.promise; // taken first, so that no notification is missed during `act`
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
