/** Waits for news, which may come while nobody waits; several at once count as one. */
export class News {
  #pending = false;
  #wake: (() => void) | undefined;

  /** News has come. */
  readonly tell = (): void => {
    this.#pending = true;
    this.#wake?.();
  };

  /** Resolves with true after news, at once where it came before; with false after the time, or with the signal. */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#pending && !signal.aborted) {
      const woken = Promise.withResolvers<void>();
      const wake = (): void => woken.resolve();
      const timer = setTimeout(wake, ms);
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
      await woken.promise;
      signal.removeEventListener('abort', wake);
      clearTimeout(timer);
      this.#wake = undefined;
    }
    const came = this.#pending;
    this.#pending = false;
    return came;
  }
}
