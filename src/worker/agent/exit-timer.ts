import type { AgentEvent } from '../../provider/provider.ts';

/** Notices that an agent has said its last word, and does not go on, and does not exit either: some CLIs hang there. */
export class ExitTimer implements Disposable {
  readonly #over = new AbortController();
  readonly #waitMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** `waitMs`: how long it may print nothing after its last word. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Aborts when the agent is to be ended. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** It has said its last word, as far as anybody knows. */
  get isSaid(): boolean {
    return this.#timer !== undefined;
  }

  /** What one line of its stream said. Work after a result means that the result was not the last. */
  heard(events: readonly AgentEvent[]): void {
    if (events.some(({ type }) => type === 'result')) this.#wait();
    else if (events.some(({ type }) => type === 'text' || type === 'tool' || type === 'trouble'))
      this.#stop();
    else if (this.#timer !== undefined) this.#wait();
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  #wait(): void {
    this.#stop();
    this.#timer = setTimeout(() => this.#over.abort(), this.#waitMs);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
