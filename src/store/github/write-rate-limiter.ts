import { sql } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from '../database/database.ts';

/** Who would have to wait longer does something else meanwhile. Milliseconds. */
const MAX_WAIT_MS = 30_000;

/**
 * Who may change something on GitHub next. Of all processes together an installation makes one change at a time, with a
 * pause between; when GitHub says that it was too much, all of them wait.
 */
export class WriteRateLimiter {
  readonly #database: Database;
  readonly #pauseMs: number;

  constructor(database: Database, pauseMs: number) {
    this.#database = database;
    this.#pauseMs = pauseMs;
  }

  /** Resolves when it is the caller's turn; with a time when that is too far away to wait for. Rejects when the signal aborts. */
  async acquire(installation: number, signal?: AbortSignal): Promise<Date | undefined> {
    const { rows } = await sql<{ ms: number }>`
      insert into write_turns (installation, next_at)
      values (${installation}, now() + ${this.#pauseMs} * interval '1 millisecond')
      on conflict (installation) do update
        set next_at = greatest(write_turns.next_at, now()) + ${this.#pauseMs} * interval '1 millisecond'
        where write_turns.next_at < now() + ${MAX_WAIT_MS} * interval '1 millisecond'
      returning extract(epoch from next_at - now())::float8 * 1000 - ${this.#pauseMs}::float8 as ms`.execute(
      this.#database,
    );
    const ms = rows[0]?.ms;
    if (ms === undefined) return this.#heldUntil(installation);
    if (ms > 1) await wait(ms, undefined, signal && { signal });
    return undefined;
  }

  async #heldUntil(installation: number): Promise<Date> {
    const { next_at } = await this.#database
      .selectFrom('write_turns')
      .select('next_at')
      .where('installation', '=', String(installation))
      .executeTakeFirstOrThrow();
    return next_at;
  }

  /** Nobody's turn comes before then. */
  async pauseUntil(installation: number, until: Date): Promise<void> {
    await sql`
      insert into write_turns (installation, next_at) values (${installation}, ${until})
      on conflict (installation) do update set next_at = greatest(write_turns.next_at, excluded.next_at)`.execute(
      this.#database,
    );
  }
}
