import { type Kysely, sql } from 'kysely';

/** Whether a unit's pull request is in one of GitHub's own stacks, where only GitHub moves its base and its branch. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`alter table unit_pulls add stacked boolean not null default false`.execute(database);
}
