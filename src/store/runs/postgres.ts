import { ChooError } from '../../errors.ts';
import type { RunEvent } from '../../events/event.ts';
import type { RunReader, UnitRecord, UnitRecords } from '../../events/store.ts';
import { type Database, retryTransient } from '../database/database.ts';
import type { Listener } from '../database/notifications.ts';
import { readEvents, readRecord } from './event-rows.ts';

/** Poll interval of a subscription, besides notifications. Milliseconds. */
const POLL_MS = 5_000;

/**
 * Reads the runs and unit records of one repository on a server. All changes of a run go through the run store
 * (run-store.ts).
 */
export class PostgresStore implements RunReader, UnitRecords, AsyncDisposable {
  readonly #database: Database;
  readonly #listener: Listener;
  readonly #repository: string | null;
  readonly #ending = new AbortController();

  /** `repository` null: reads the runs of all repositories. */
  constructor(database: Database, listener: Listener, repository: string | null) {
    this.#database = database;
    this.#listener = listener;
    this.#repository = repository;
  }

  async read(run: string, after = 0): Promise<readonly RunEvent[]> {
    return readEvents(this.#database, run, { after });
  }

  async subscribe(
    run: string,
    after: number,
    onEvents: (events: readonly RunEvent[]) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const ending = AbortSignal.any([signal, this.#ending.signal]);
    let seen = after;
    let news = Promise.withResolvers<void>();
    this.#listener.subscribe((notice) => {
      if (notice.about === 'connected' || (notice.about === 'run' && notice.run === run)) news.resolve();
    }, ending);
    ending.addEventListener('abort', () => news.resolve(), { once: true });
    while (!ending.aborted) {
      const events = await this.read(run, seen);
      const last = events.at(-1);
      if (last !== undefined && !ending.aborted) {
        seen = last.seq;
        onEvents(events);
      }
      if (ending.aborted) return;
      const timer = setTimeout(() => news.resolve(), POLL_MS);
      await news.promise;
      clearTimeout(timer);
      news = Promise.withResolvers();
    }
  }

  async runs(most?: number): Promise<readonly string[]> {
    const rows = await this.#database
      .selectFrom('runs')
      .innerJoin('events', (join) => join.onRef('events.run', '=', 'runs.id').on('events.seq', '=', 1))
      .select('runs.id')
      .$if(this.#repository !== null, (query) => query.where('repository', '=', this.#repository))
      .where('purpose', '=', 'work')
      .orderBy('events.at', 'desc')
      .orderBy('runs.id')
      .$if(most !== undefined, (query) => query.limit(most ?? 0))
      .execute();
    return rows.map(({ id }) => id);
  }

  async record(target: string, unit: string): Promise<UnitRecord | undefined> {
    return retryTransient(() => readRecord(this.#database, this.#owned(), target, unit));
  }

  /** Ends its subscriptions. The database stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
  }

  #owned(): string {
    if (this.#repository !== null) return this.#repository;
    throw new ChooError('internal', 'unit records cannot be read without a repository');
  }
}
