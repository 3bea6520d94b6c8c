import { type Kysely, sql } from 'kysely';

/**
 * A pull request that GitHub closed because one of its branches was deleted is `lost`, which is not what a person closed. What
 * GitHub refused of a report is tried again at a time of its own, and holds nothing else back.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`alter table unit_pulls drop constraint unit_pulls_state_check`.execute(database);
  await sql`alter table unit_pulls add constraint unit_pulls_state_check
    check (state in ('open', 'merged', 'closed', 'lost'))`.execute(database);
  await sql`alter table reports add retry_at timestamptz`.execute(database);
}
