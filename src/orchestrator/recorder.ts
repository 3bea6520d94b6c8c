import type { EventBody, RunEvent } from '../events/event.ts';
import { advance, type RunState } from '../events/state.ts';
import type { EventLog } from '../events/store.ts';
import { EventBatches } from './event-batches.ts';

/** Writes the events of one run in order, and folds them into its state. */
export class Recorder {
  readonly #store: EventLog;
  readonly #run: string;
  readonly #onEvents: (events: readonly RunEvent[], state: RunState) => void;
  readonly #batches: EventBatches;
  #state: RunState | undefined;
  #seq: number;
  /** Number of appended events that are not written yet. */
  #open = 0;

  /**
   * Continues after `state`; undefined: a new run. `redact` is applied to every text. `onEvents` is called with events that are
   * safe on disk, `onFailure` once, after the first failed write; neither may throw.
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

  /** The state after all events written so far. */
  get state(): RunState | undefined {
    return this.#state;
  }

  /** Whether {@link state} includes every appended event. */
  get idle(): boolean {
    return this.#open === 0;
  }

  /** Appends an event. It is written soon; see {@link recorded}. */
  append(event: EventBody): void {
    this.#open += 1;
    this.#batches.append(event);
  }

  /** Resolves when all events so far are safe on disk. Rejects when a write failed: nothing may be built on them then. */
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
