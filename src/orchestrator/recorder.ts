import { setImmediate as immediate } from 'node:timers/promises';
import type { EventBody, RunEvent } from '../events/event.ts';
import { advance, type RunState } from '../events/state.ts';
import type { Store } from '../events/store.ts';

/**
 * Writes the events of one run, in the order they were noted, and keeps the state they add up to. Events noted while a
 * write is under way go into the next one together.
 */
export class Recorder {
  readonly #store: Pick<Store, 'append'>;
  readonly #run: string;
  readonly #redact: (text: string) => string;
  readonly #onEvents: (events: readonly RunEvent[], state: RunState) => void;
  readonly #onFailure: () => void;
  /** Noted, and part of no write yet. */
  #queue: EventBody[] = [];
  /** Settles when the last event noted so far is written, or cannot be. */
  #last: Promise<void> = Promise.resolve();
  #state: RunState | undefined;
  #seq: number;
  #failure: { readonly error: unknown } | undefined;

  /**
   * Goes on after `state`; undefined: a new run. `redact` takes secrets out of every text. `onEvents` is told what is safe
   * on disk, `onFailure` once that nothing can be written any more; neither may throw.
   */
  constructor(
    store: Pick<Store, 'append'>,
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
    this.#redact = redact;
    this.#store = store;
    this.#run = run;
    this.#state = state;
    this.#seq = state?.seq ?? 0;
    this.#onEvents = onEvents;
    this.#onFailure = onFailure;
  }

  /** What the events written so far add up to. */
  get state(): RunState | undefined {
    return this.#state;
  }

  /** Notes a fact. It is written soon; {@link recorded} says when. */
  note(event: EventBody): void {
    this.#queue.push(mapTexts(event, this.#redact));
    if (this.#queue.length === 1) this.#last = this.#write(this.#last);
  }

  /** Until everything noted so far is safe on disk. Rejects when it cannot be: then nothing may be built on it. */
  async recorded(): Promise<void> {
    await this.#last;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #write(before: Promise<void>): Promise<void> {
    await before;
    await immediate(); // what is noted in the same breath is written in one go
    const batch = this.#queue;
    this.#queue = [];
    if (this.#failure !== undefined) return;
    try {
      const events = await this.#store.append(this.#run, this.#seq, batch);
      this.#seq += events.length;
      for (const event of events) this.#state = advance(this.#state, event);
      if (this.#state !== undefined) this.#onEvents(events, this.#state);
    } catch (error) {
      this.#failure = { error };
      this.#onFailure();
    }
  }
}

/** The same value with every text in it replaced; its shape stays. */
export function mapTexts<T>(value: T, map: (text: string) => string): T {
  if (typeof value === 'string') return map(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => mapTexts(each, map)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, map)])) as T;
}
