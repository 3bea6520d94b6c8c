import type { AgentEvent } from '../../provider/provider.ts';

/** Detects an agent that has reported its result and neither continues nor exits: some CLIs hang there. */
export class ExitTimer implements Disposable {
  readonly #over = new AbortController();
  readonly #waitMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** `waitMs`: how long it may print nothing after its result. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Aborts when the agent must be killed. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether the agent has reported its result, as far as known. */
  get isSaid(): boolean {
    return this.#timer !== undefined;
  }

  /** Takes the events of one stream line. Work after a result means that the result was not final. */
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
