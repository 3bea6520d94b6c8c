import { type Kysely, sql } from 'kysely';

/** What the queue knows of a unit that its workers do not survive; see quarantine.ts. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`alter table units add deaths integer not null default 0`.execute(database);
}
