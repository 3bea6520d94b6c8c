import { type Kysely, sql } from 'kysely';

/**
 * A pull request that GitHub closed because one of its branches was deleted is `lost`, unlike one that a person closed.
 * Rejected writes of a report are retried at their own time, and delay nothing else.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`alter table unit_pulls drop constraint unit_pulls_state_check`.execute(database);
  await sql`alter table unit_pulls add constraint unit_pulls_state_check
    check (state in ('open', 'merged', 'closed', 'lost'))`.execute(database);
  await sql`alter table reports add retry_at timestamptz`.execute(database);
}
