import { setImmediate as immediate } from 'node:timers/promises';
import type { EventBody } from '../events/event.ts';

/**
 * Writes events in order, with secrets redacted. Events appended during a write go into the next one together. After a failed
 * write nothing more is written.
 */
export class EventBatches {
  readonly #write: (events: readonly EventBody[]) => Promise<void>;
  readonly #redact: (text: string) => string;
  readonly #onFailure: () => void;
  /** Appended, and not part of a write yet. */
  #queue: EventBody[] = [];
  /** Settles when the last event so far was written, or could not be. */
  #last: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  /** `redact` is applied to every text; `onFailure` is called once, after the first failed write. */
  constructor(
    write: (events: readonly EventBody[]) => Promise<void>,
    redact: (text: string) => string,
    onFailure: () => void = () => {},
  ) {
    this.#write = write;
    this.#redact = redact;
    this.#onFailure = onFailure;
  }

  /** Appends an event. It is written soon; see {@link recorded}. */
  append(event: EventBody): void {
    this.#queue.push(mapTexts(event, this.#redact));
    if (this.#queue.length === 1) this.#last = this.#writeNext(this.#last);
  }

  /** Resolves when all events so far are written. Rejects when a write failed: nothing may be built on them then. */
  async recorded(): Promise<void> {
    await this.#last;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #writeNext(before: Promise<void>): Promise<void> {
    await before;
    await immediate(); // batches events that are appended in the same tick
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

/** Maps every string in a JSON value, keeping its shape. */
export function mapTexts<T>(value: T, map: (text: string) => string): T {
  if (typeof value === 'string') return map(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => mapTexts(each, map)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, map)])) as T;
}
