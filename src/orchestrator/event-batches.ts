import { setImmediate as immediate } from 'node:timers/promises';
import type { EventBody } from '../events/event.ts';

/**
 * Writes events in the order they were noted, without the secrets in them. Events noted while a write is under way go into
 * the next one together. After a write that failed nothing more is written.
 */
export class EventBatches {
  readonly #write: (events: readonly EventBody[]) => Promise<void>;
  readonly #redact: (text: string) => string;
  readonly #onFailure: () => void;
  /** Noted, and part of no write yet. */
  #queue: EventBody[] = [];
  /** Settles when the last event noted so far is written, or cannot be. */
  #last: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  /** `redact` takes secrets out of every text; `onFailure` is called once, when nothing can be written any more. */
  constructor(
    write: (events: readonly EventBody[]) => Promise<void>,
    redact: (text: string) => string,
    onFailure: () => void = () => {},
  ) {
    this.#write = write;
    this.#redact = redact;
    this.#onFailure = onFailure;
  }

  /** Notes a fact. It is written soon; {@link recorded} says when. */
  append(event: EventBody): void {
    this.#queue.push(mapTexts(event, this.#redact));
    if (this.#queue.length === 1) this.#last = this.#writeNext(this.#last);
  }

  /** Until everything noted so far is safe. Rejects when it cannot be: then nothing may be built on it. */
  async recorded(): Promise<void> {
    await this.#last;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #writeNext(before: Promise<void>): Promise<void> {
    await before;
    await immediate(); // what is noted in the same breath is written in one go
    const batch = this.#queue;
    this.#queue = [];
    if (this.#failure !== undefined) return;
    try {
      await this.#write(batch);
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
