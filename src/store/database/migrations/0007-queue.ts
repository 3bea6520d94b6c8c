import { type Kysely, sql } from 'kysely';

/** Counts the workers that died with a unit; see quarantine.ts. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`alter table units add deaths integer not null default 0`.execute(database);
}
