import { type Kysely, sql } from 'kysely';

/**
 * What GitHub says of a unit's pull request, as last seen, so that what it should be is derived from facts and not from what
 * choo remembers to have done.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`alter table unit_pulls
    add head text,
    add merge_commit text,
    add held boolean not null default false,
    add update_asked boolean not null default false,
    add seen_at timestamptz`.execute(database);
  // When a periodic task of all processes last began.
  await sql`create table sweeps (name text primary key, began_at timestamptz not null)`.execute(database);
}
