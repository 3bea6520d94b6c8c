import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/** What choo wrote on GitHub. */
export interface Post {
  /** GitHub's id; null: the request was made, and its outcome is not known. */
  readonly githubId: number | null;
  /** Hash of the current content; null: unknown. */
  readonly hash: string | null;
}

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

  /** Call before the request: a post without an id has to be searched on GitHub first. */
  async reserve(key: string): Promise<void> {
    await this.#database
      .insertInto('posts')
      .values({ repository: this.#repository, key, github_id: null, hash: null })
      .onConflict((conflict) => conflict.columns(['repository', 'key']).doUpdateSet({ hash: null }))
      .execute();
  }

  /** Call after the request. `githubId` null: the post does not exist any more. */
  async save(key: string, githubId: number | null, hash: string | null): Promise<void> {
    const values = { github_id: githubId, hash };
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
