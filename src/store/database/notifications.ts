import { type RawBuilder, sql } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { connectionOf, type DatabaseAddress } from './database.ts';

/**
 * Notifications between processes, through the database. They carry names and numbers only: a subscriber reads the rest
 * from tables, so a lost notification costs a little time and nothing else.
 */
export type Notice =
  /** A run has events up to this number. */
  | { readonly about: 'run'; readonly run: string; readonly seq: number }
  /** Units wait for a slot. */
  | { readonly about: 'ready' }
  /** The claim of a unit has to stop now. */
  | { readonly about: 'stop'; readonly run: string; readonly unit: string }
  /** A unit printed something. */
  | { readonly about: 'output'; readonly run: string; readonly unit: string }
  /** A delivery waits to be handled. */
  | { readonly about: 'delivery' }
  /** What is published of a run may be out of date. */
  | { readonly about: 'report' }
  /** A repository was removed; a machine may have a copy of it. */
  | { readonly about: 'gone' }
  /** The connection is new: notifications may have been missed. */
  | { readonly about: 'connected' };

const CHANNEL = 'choo';

/** A notice that is sent through the database. */
export type Notification = Exclude<Notice, { about: 'connected' }>;

/** A statement that notifies every process when its transaction commits. */
export function notify(...notices: readonly Notification[]): RawBuilder<unknown> {
  return sql`
    select pg_notify(${CHANNEL}, notice) from unnest(${notices.map((each) => JSON.stringify(each))}::text[]) as notice`;
}

/** The first and the longest wait before reconnecting. Milliseconds. */
const RETRY_MS = [50, 2_000] as const;

/** One connection that receives notifications, reopened whenever it breaks. */
export class Listener implements AsyncDisposable {
  readonly #address: DatabaseAddress;
  readonly #name: string;
  readonly #ending = new AbortController();
  readonly #subscribers = new Set<(notice: Notice) => void>();
  readonly #revive: () => Promise<void>;
  readonly #connected = Promise.withResolvers<void>();
  #running: Promise<void>;

  /** `revive` is called when the connection broke, before the next one is opened; it may start the server again. */
  constructor(address: DatabaseAddress, name: string, revive: () => Promise<void> = async () => {}) {
    this.#address = address;
    this.#name = name;
    this.#revive = revive;
    this.#running = this.#run();
  }

  /** Resolves when it listens for the first time. */
  async ready(): Promise<void> {
    return this.#connected.promise;
  }

  /** Calls `onNotice` with every notice until the signal. What `onNotice` throws is ignored. */
  subscribe(onNotice: (notice: Notice) => void, signal?: AbortSignal): void {
    if (signal?.aborted === true) return;
    this.#subscribers.add(onNotice);
    signal?.addEventListener('abort', () => this.#subscribers.delete(onNotice), { once: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#subscribers.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    let pause: number = RETRY_MS[0];
    while (!signal.aborted) {
      const began = Date.now();
      await this.#listen().catch(() => {}); // every error has the same remedy: reconnect
      pause = Date.now() - began > RETRY_MS[1] ? RETRY_MS[0] : Math.min(pause * 2, RETRY_MS[1]);
      if (signal.aborted) return;
      await this.#revive().catch(() => {}); // the next attempt to connect shows whether it worked
      await wait(pause, undefined, { signal }).catch(() => {});
    }
  }

  /** Resolves when the connection breaks or the listener is disposed of. */
  async #listen(): Promise<void> {
    const client = new pg.Client(connectionOf(this.#address, this.#name));
    const broken = Promise.withResolvers<void>();
    const { signal } = this.#ending;
    const onEnd = (): void => broken.resolve();
    client.on('error', onEnd);
    client.on('end', onEnd);
    client.on('notification', ({ payload }) => this.#onPayload(payload));
    signal.addEventListener('abort', onEnd, { once: true });
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      this.#connected.resolve();
      this.#emit({ about: 'connected' });
      const probe = setInterval(() => {
        const tooLate = setTimeout(onEnd, 5_000);
        void client.query('select').then(
          () => clearTimeout(tooLate),
          () => clearTimeout(tooLate),
        );
      }, 10_000);
      try {
        await broken.promise;
      } finally {
        clearInterval(probe);
      }
    } finally {
      signal.removeEventListener('abort', onEnd);
      void client.end().catch(() => {}); // it may never answer
    }
  }

  #onPayload(payload: string | undefined): void {
    // Only choo writes to the channel; a payload of another version is no reason to fail.
    try {
      this.#emit(JSON.parse(payload ?? '') as Notice);
    } catch {
      // not a notice
    }
  }

  #emit(notice: Notice): void {
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(notice);
      } catch {
        // one failing subscriber does not affect the others
      }
    }
  }
}
