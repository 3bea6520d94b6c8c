import { type Kysely, sql } from 'kysely';

/** A random id names the copy of a repository: its address may belong to another repository later. */
export async function up(database: Kysely<unknown>): Promise<void> {
  // The default is drawn for each existing row, and for rows that an older process adds.
  await sql`alter table repositories add copy uuid not null default gen_random_uuid()`.execute(database);
}
