import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/** What choo has written on GitHub. */
export interface Post {
  /** GitHub's number for it; null: it was asked for, and nobody knows what came of it. */
  readonly githubId: number | null;
  /** Of what stands there now; null: unknown. */
  readonly hash: string | null;
}

/** What one repository was told: by what it is, its number and what it says. */
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

  /** Before the request: whoever finds this and no number looks on GitHub first. */
  async reserve(key: string): Promise<void> {
    await this.#database
      .insertInto('posts')
      .values({ repository: this.#repository, key, github_id: null, hash: null })
      .onConflict((conflict) => conflict.columns(['repository', 'key']).doUpdateSet({ hash: null }))
      .execute();
  }

  /** After it. `githubId` null: it is not there any more. */
  async save(key: string, githubId: number | null, hash: string | null): Promise<void> {
    const values = { github_id: githubId, hash };
    await this.#database
      .insertInto('posts')
      .values({ ...values, repository: this.#repository, key })
      .onConflict((conflict) => conflict.columns(['repository', 'key']).doUpdateSet(values))
      .execute();
  }

  /** A thread was shown a commit's plan. `at` is GitHub's own time. */
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

  /** The commit whose plan was the newest that a thread was shown before a time. */
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
