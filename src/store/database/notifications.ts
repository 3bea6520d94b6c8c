import { type RawBuilder, sql } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { connectionOf, type DatabaseAddress } from './database.ts';

/**
 * What processes tell each other through the database. Only names and numbers: whoever hears of them reads the rest, so
 * one that is lost costs a little time and nothing else.
 */
export type Notice =
  /** A run has events up to this number. */
  | { readonly about: 'run'; readonly run: string; readonly seq: number }
  /** Units wait for a slot. */
  | { readonly about: 'ready' }
  /** A unit shall stop, at once. */
  | { readonly about: 'stop'; readonly run: string; readonly unit: string }
  /** A unit printed something. */
  | { readonly about: 'output'; readonly run: string; readonly unit: string }
  /** Something came from outside that waits to be handled. */
  | { readonly about: 'delivery' }
  /** What a run's readers are shown may not be what it is. */
  | { readonly about: 'report' }
  /** A copy of a repository on some machine may be nobody's any more. */
  | { readonly about: 'gone' }
  /** The connection is new: anything may have been said before. */
  | { readonly about: 'connected' };

const CHANNEL = 'choo';

/** What is told through the database. */
export type Notification = Exclude<Notice, { about: 'connected' }>;

/** A statement that tells every process, once its transaction is committed. */
export function notify(...notices: readonly Notification[]): RawBuilder<unknown> {
  return sql`
    select pg_notify(${CHANNEL}, notice) from unnest(${notices.map((each) => JSON.stringify(each))}::text[]) as notice`;
}

/** The first wait before connecting again, and the longest. Milliseconds. */
const RETRY_MS = [50, 2_000] as const;

/**
 * One connection that hears what is told, opened again whenever it breaks.
 */
export class Listener implements AsyncDisposable {
  readonly #address: DatabaseAddress;
  readonly #name: string;
  readonly #ending = new AbortController();
  readonly #hearers = new Set<(notice: Notice) => void>();
  readonly #revive: () => Promise<void>;
  readonly #connected = Promise.withResolvers<void>();
  #life: Promise<void>;

  /** `revive` is called when the connection broke, before there is a new one: whoever owns the server sees to it. */
  constructor(address: DatabaseAddress, name: string, revive: () => Promise<void> = async () => {}) {
    this.#address = address;
    this.#name = name;
    this.#revive = revive;
    this.#life = this.#live();
  }

  /** Until it listened for the first time. */
  async ready(): Promise<void> {
    return this.#connected.promise;
  }

  /** Calls with every notice until the signal. What it throws is lost. */
  subscribe(onNotice: (notice: Notice) => void, signal?: AbortSignal): void {
    if (signal?.aborted === true) return;
    this.#hearers.add(onNotice);
    signal?.addEventListener('abort', () => this.#hearers.delete(onNotice), { once: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#hearers.clear();
    await this.#life;
  }

  async #live(): Promise<void> {
    const { signal } = this.#ending;
    let pause: number = RETRY_MS[0];
    while (!signal.aborted) {
      const began = Date.now();
      await this.#listen().catch(() => {}); // whatever it was, there is one answer
      pause = Date.now() - began > RETRY_MS[1] ? RETRY_MS[0] : Math.min(pause * 2, RETRY_MS[1]);
      if (signal.aborted) return;
      await this.#revive().catch(() => {}); // the next try will tell
      await wait(pause, undefined, { signal }).catch(() => {});
    }
  }

  /** Until the connection breaks, or nobody wants to hear any more. */
  async #listen(): Promise<void> {
    const client = new pg.Client(connectionOf(this.#address, this.#name));
    const broken = Promise.withResolvers<void>();
    const { signal } = this.#ending;
    const onEnd = (): void => broken.resolve();
    client.on('error', onEnd);
    client.on('end', onEnd);
    client.on('notification', ({ payload }) => this.#tell(payload));
    signal.addEventListener('abort', onEnd, { once: true });
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      this.#connected.resolve();
      this.#spread({ about: 'connected' });
      const stillThere = setInterval(() => {
        const tooLate = setTimeout(onEnd, 5_000);
        void client.query('select').then(
          () => clearTimeout(tooLate),
          () => clearTimeout(tooLate),
        );
      }, 10_000);
      try {
        await broken.promise;
      } finally {
        clearInterval(stillThere);
      }
    } finally {
      signal.removeEventListener('abort', onEnd);
      void client.end().catch(() => {}); // it may never answer
    }
  }

  #tell(payload: string | undefined): void {
    // Only choo writes to the channel; text of another version is nothing to fail over.
    try {
      this.#spread(JSON.parse(payload ?? '') as Notice);
    } catch {
      // not a notice
    }
  }

  #spread(notice: Notice): void {
    for (const hearer of this.#hearers) {
      try {
        hearer(notice);
      } catch {
        // one that fails does not keep it from the others
      }
    }
  }
}
