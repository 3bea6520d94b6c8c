import { type Kysely, sql } from 'kysely';

/** A column that was never filled. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`alter table posts drop column body`.execute(database);
}
