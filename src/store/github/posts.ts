import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { isGone, ownIdentity, readIdentity } from '../database/worker-identity.ts';

/** What choo wrote on GitHub. */
export interface Post {
  /** GitHub's id; null: the request was made, and its outcome is not known. */
  readonly githubId: number | null;
  /** Hash of the current content; null: unknown. */
  readonly hash: string | null;
}

/** How long a creation is reserved: longer than the wait for a turn to write and the request, with all its annotations. */
const RESERVED_UNTIL = sql<Date>`now() + interval '2 minutes'`;
const UNRESERVED = { reserved_by: null, reserved_until: null };

/** The posts of one repository, by key. */
export class PostStore {
  readonly #database: Database;
  readonly #repository: string;

  constructor(database: Database, repository: string) {
    this.#database = database;
    this.#repository = repository;
  }

  async find(key: string): Promise<Post | undefined> {
    const row = await this.#database
      .selectFrom('posts')
      .select(['github_id', 'hash'])
      .where('repository', '=', this.#repository)
      .where('key', '=', key)
      .executeTakeFirst();
    return row && { githubId: row.github_id === null ? null : Number(row.github_id), hash: row.hash };
  }

  /**
   * Reserves the creation of a post for this process; `gone`: the id of an earlier one that does not exist any more. `new`: its
   * creation was never requested; `again`: it may have been. Undefined, and nothing is reserved: another process creates it, or
   * has created it meanwhile. The reservation ends with {@link save} or {@link release}, when its time is over, or when its
   * process of this machine is dead.
   */
  async reserve(key: string, gone: number | null): Promise<'new' | 'again' | undefined> {
    const reserved = await this.#reserve(key, gone, null);
    if (reserved !== undefined) return reserved;
    const row = await this.#database
      .selectFrom('posts')
      .select('reserved_by')
      .where('repository', '=', this.#repository)
      .where('key', '=', key)
      .executeTakeFirst();
    const holder = row?.reserved_by ?? null;
    if (holder === null || !(await isGone(readIdentity(holder)))) return undefined;
    return this.#reserve(key, gone, holder);
  }

  /** `dead`: a holder whose reservation does not count. */
  async #reserve(
    key: string,
    gone: number | null,
    dead: string | null,
  ): Promise<'new' | 'again' | undefined> {
    const { rows } = await sql<{ reserved: 'new' | 'again' }>`
      insert into posts (repository, key, reserved_by, reserved_until)
      values (${this.#repository}, ${key}, ${await ownIdentity()}, ${RESERVED_UNTIL})
      on conflict (repository, key) do update
        set reserved_by = excluded.reserved_by, reserved_until = excluded.reserved_until, hash = null
        where (posts.github_id is null or posts.github_id = ${gone}) and
          (posts.reserved_until is null or posts.reserved_until <= now() or posts.reserved_by = ${dead})
      returning case when xmax = 0 then 'new' else 'again' end as reserved`.execute(this.#database);
    return rows[0]?.reserved;
  }

  /** Ends a reservation whose request failed: the next attempt searches for the post on GitHub first. */
  async release(key: string): Promise<void> {
    await this.#database
      .updateTable('posts')
      .set(UNRESERVED)
      .where('repository', '=', this.#repository)
      .where('key', '=', key)
      .execute();
  }

  /** Call after the request. `githubId` null: the post does not exist any more. */
  async save(key: string, githubId: number | null, hash: string | null): Promise<void> {
    const values = { github_id: githubId, hash, ...UNRESERVED };
    await this.#database
      .insertInto('posts')
      .values({ ...values, repository: this.#repository, key })
      .onConflict((conflict) => conflict.columns(['repository', 'key']).doUpdateSet(values))
      .execute();
  }

  /** Saves that a thread was shown a commit's plan. `at` is GitHub's own time. */
  async savePlanShown(thread: number, commit: string, at: Date): Promise<void> {
    const values = { repository: this.#repository, thread, commit, posted_at: at };
    await this.#database
      .insertInto('posted_plans')
      .values(values)
      .onConflict((conflict) =>
        conflict.columns(['repository', 'thread', 'commit']).doUpdateSet({
          posted_at: sql<Date>`excluded.posted_at`,
        }),
      )
      .execute();
  }

  /** The commit of the newest plan that a thread was shown before a time. */
  async planShownBefore(thread: number, before: Date): Promise<string | undefined> {
    const row = await this.#database
      .selectFrom('posted_plans')
      .select('commit')
      .where('repository', '=', this.#repository)
      .where('thread', '=', thread)
      .where('posted_at', '<', before)
      .orderBy('posted_at', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.commit;
  }
}
