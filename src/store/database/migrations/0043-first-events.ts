import { type Kysely, sql } from 'kysely';

/** The newest runs are found without a look at all that ever ran. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`create index events_first on events (at desc, run) where seq = 1`.execute(database);
}
