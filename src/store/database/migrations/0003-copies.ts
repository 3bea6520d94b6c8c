import { type Kysely, sql } from 'kysely';

/** Copies of repositories are told apart by a random id: the address of one may be another one's tomorrow. */
export async function up(database: Kysely<unknown>): Promise<void> {
  // The default is drawn for each row that is there, and for those that an older process adds.
  await sql`alter table repositories add copy uuid not null default gen_random_uuid()`.execute(database);
}
