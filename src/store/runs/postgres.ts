import { ChooError } from '../../errors.ts';
import type { EventBody, RunEvent } from '../../events/event.ts';
import type { Store, UnitRecord } from '../../events/store.ts';
import { Graph } from '../../scheduler/graph.ts';
import { type Database, patiently } from '../database/database.ts';
import { type Listener, notify } from '../database/listener.ts';
import { insertEvents, projectRecords, readEvents, readRecord, stamp } from './event-rows.ts';
import { insertRun, insertUnits, readStart } from './run-rows.ts';

/** Without a notice, whoever follows a run looks again after so long. Milliseconds. */
const LOOK_AGAIN_MS = 5_000;

/**
 * The store of a server, as one repository sees it: its runs, and what is known of its units. On a server events are written
 * through the run book alone (run-book.ts), which appends as this does and adds what follows from them.
 */
export class PostgresStore implements Store {
  readonly #database: Database;
  readonly #listener: Listener;
  readonly #repository: string | null;
  readonly #now: () => number;
  readonly #ending = new AbortController();
  /** What is appended to one run, one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /** `repository` null: all of them, to look. */
  constructor(
    database: Database,
    listener: Listener,
    repository: string | null,
    now: () => number = Date.now,
  ) {
    this.#database = database;
    this.#listener = listener;
    this.#repository = repository;
    this.#now = now;
  }

  async append(run: string, expected: number, events: readonly EventBody[]): Promise<readonly RunEvent[]> {
    const before = this.#turns.get(run) ?? Promise.resolve();
    const turn = before.catch(() => {}).then(() => this.#append(run, expected, events));
    this.#turns.set(run, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(run) === turn) this.#turns.delete(run);
    }
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
    this.#listener.hear((notice) => {
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
      const timer = setTimeout(() => news.resolve(), LOOK_AGAIN_MS);
      await news.promise;
      clearTimeout(timer);
      news = Promise.withResolvers();
    }
  }

  async runs(): Promise<readonly string[]> {
    const rows = await this.#database
      .selectFrom('runs')
      .innerJoin('events', (join) => join.onRef('events.run', '=', 'runs.id').on('events.seq', '=', 1))
      .select('runs.id')
      .$if(this.#repository !== null, (query) => query.where('repository', '=', this.#repository))
      .orderBy('events.at', 'desc')
      .orderBy('runs.id')
      .execute();
    return rows.map(({ id }) => id);
  }

  async record(target: string, unit: string): Promise<UnitRecord | undefined> {
    return patiently(() => readRecord(this.#database, this.#owned(), target, unit));
  }

  /** Ends its subscriptions. The database is its owner's to close. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await Promise.allSettled(this.#turns.values());
  }

  #owned(): string {
    if (this.#repository !== null) return this.#repository;
    throw new ChooError('internal', 'a store of all repositories is only to look at');
  }

  async #append(run: string, expected: number, events: readonly EventBody[]): Promise<readonly RunEvent[]> {
    const appending = this.#database.transaction().execute(async (trx) => {
      const row = await trx
        .selectFrom('runs')
        .select(['seq', 'last_at'])
        .where('id', '=', run)
        .forNoKeyUpdate()
        .executeTakeFirst();
      if ((row?.seq ?? 0) !== expected) throw movedOn(run, expected);
      const stamped = stamp(events, { seq: expected, at: row?.last_at ?? 0 }, this.#now());
      const [first] = stamped;
      const last = stamped.at(-1);
      if (first === undefined || last === undefined) return [];
      if (row === undefined) {
        if (first.type !== 'orch.started')
          throw new ChooError('internal', `run ${run} does not begin with a start`);
        const { target, parallelism } = first;
        const where = { id: run, repository: this.#owned(), target, seq: last.seq, last_at: last.at };
        // Appended to directly, it is nobody's to carry out.
        await insertRun(trx, { ...where, status: 'complete' }, parallelism, null);
        await insertUnits(trx, first, new Graph([]));
      } else {
        await trx
          .updateTable('runs')
          .set({ seq: last.seq, last_at: last.at })
          .where('id', '=', run)
          .execute();
      }
      await insertEvents(trx, run, stamped);
      await projectRecords(trx, this.#owned(), await readStart(trx, run), stamped);
      await notify({ about: 'run', run, seq: last.seq }).execute(trx);
      return stamped;
    });
    return appending.catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === UNIQUE) throw movedOn(run, expected);
      throw error;
    });
  }
}

/** PostgreSQL's code for a second row of a key: another process began the same run. */
const UNIQUE = '23505';

function movedOn(run: string, expected: number): ChooError {
  return new ChooError('conflict', `somebody else writes to run ${run}: its last event is not ${expected}`);
}
