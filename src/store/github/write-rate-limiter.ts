import { sql } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from '../database/database.ts';

/** Longest wait in `acquire`; a caller that would wait longer gets the time instead. Milliseconds. */
const MAX_WAIT_MS = 30_000;

/**
 * Limits the changes on GitHub: across all processes an installation makes one change at a time, with a pause between. When
 * GitHub reports a rate limit, all of them wait.
 */
export class WriteRateLimiter {
  readonly #database: Database;
  readonly #pauseMs: number;

  constructor(database: Database, pauseMs: number) {
    this.#database = database;
    this.#pauseMs = pauseMs;
  }

  /** Resolves when the caller may write, or with the time when that is too far away. Rejects when the signal aborts. */
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
    if (ms === undefined) return this.#nextAt(installation);
    if (ms > 1) await wait(ms, undefined, signal && { signal });
    return undefined;
  }

  async #nextAt(installation: number): Promise<Date> {
    const { next_at } = await this.#database
      .selectFrom('write_turns')
      .select('next_at')
      .where('installation', '=', String(installation))
      .executeTakeFirstOrThrow();
    return next_at;
  }

  /** Blocks all writes of an installation until a time. */
  async pauseUntil(installation: number, until: Date): Promise<void> {
    await sql`
      insert into write_turns (installation, next_at) values (${installation}, ${until})
      on conflict (installation) do update set next_at = greatest(write_turns.next_at, excluded.next_at)`.execute(
      this.#database,
    );
  }
}
