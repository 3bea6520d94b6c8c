import type { EventBody, RunEvent } from '../events/event.ts';
import { advance, type RunState } from '../events/state.ts';
import type { EventLog } from '../events/store.ts';
import { EventBatches } from './event-batches.ts';

/** Writes the events of one run, in the order they were noted, and keeps the state they add up to. */
export class Recorder {
  readonly #store: EventLog;
  readonly #run: string;
  readonly #onEvents: (events: readonly RunEvent[], state: RunState) => void;
  readonly #batches: EventBatches;
  #state: RunState | undefined;
  #seq: number;
  /** How many events were noted and are not written. */
  #open = 0;

  /**
   * Goes on after `state`; undefined: a new run. `redact` takes secrets out of every text. `onEvents` is told what is safe
   * on disk, `onFailure` once that nothing can be written any more; neither may throw.
   */
  constructor(
    store: EventLog,
    run: string,
    state: RunState | undefined,
    {
      redact,
      onEvents,
      onFailure,
    }: {
      readonly redact: (text: string) => string;
      readonly onEvents: (events: readonly RunEvent[], state: RunState) => void;
      readonly onFailure: () => void;
    },
  ) {
    this.#store = store;
    this.#run = run;
    this.#state = state;
    this.#seq = state?.seq ?? 0;
    this.#onEvents = onEvents;
    this.#batches = new EventBatches(async (events) => this.#append(events), redact, onFailure);
  }

  /** What the events written so far add up to. */
  get state(): RunState | undefined {
    return this.#state;
  }

  /** Everything noted so far is part of {@link state}. */
  get idle(): boolean {
    return this.#open === 0;
  }

  /** Notes a fact. It is written soon; {@link recorded} says when. */
  append(event: EventBody): void {
    this.#open += 1;
    this.#batches.append(event);
  }

  /** Until everything noted so far is safe on disk. Rejects when it cannot be: then nothing may be built on it. */
  async recorded(): Promise<void> {
    return this.#batches.recorded();
  }

  async #append(batch: readonly EventBody[]): Promise<void> {
    const events = await this.#store.append(this.#run, this.#seq, batch);
    this.#seq += events.length;
    for (const event of events) this.#state = advance(this.#state, event);
    this.#open -= batch.length;
    if (this.#state !== undefined) this.#onEvents(events, this.#state);
  }
}
