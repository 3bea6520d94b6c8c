/** Work that several wait for. It goes on as long as one of them wants it. */
export class SharedWork {
  readonly #stop = new AbortController();
  readonly #work: Promise<void>;
  #wanted = 0;

  /** `work` ends, with whatever it started, when its signal says so. */
  constructor(work: (signal: AbortSignal) => Promise<void>) {
    this.#work = work(this.#stop.signal);
    this.#work.catch(() => {}); // those who wait are told
  }

  /** Nobody wants it any more: it cannot be joined. */
  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Resolves when it has ended, however. */
  async ended(): Promise<void> {
    await this.#work.catch(() => {});
  }

  /** Waits for it; until the signal aborts, or, for the last one who wanted it, until it has ended for that reason. */
  async join(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.#wanted += 1;
    const left = Promise.withResolvers<never>();
    const leave = (): void => {
      this.#wanted -= 1;
      if (this.#wanted > 0) left.reject(signal?.reason);
      else this.#stop.abort(signal?.reason);
    };
    signal?.addEventListener('abort', leave);
    try {
      await Promise.race([this.#work, left.promise]);
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }
}
