/** Work that several callers wait for. It is stopped when the last one leaves. */
export class SharedTask {
  readonly #stop = new AbortController();
  readonly #work: Promise<void>;
  #wanted = 0;

  /** `work` must end, with everything it started, when its signal aborts. */
  constructor(work: (signal: AbortSignal) => Promise<void>) {
    this.#work = work(this.#stop.signal);
    this.#work.catch(() => {}); // `join` rejects
  }

  /** True when the last caller has left: it can no longer be joined. */
  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Resolves when it has ended, even by an error. */
  async ended(): Promise<void> {
    await this.#work.catch(() => {});
  }

  /** Waits for it until the signal aborts. The last caller to leave waits until it has stopped. */
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

/** Waits for work that goes on without this caller when the signal aborts. */
export async function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
