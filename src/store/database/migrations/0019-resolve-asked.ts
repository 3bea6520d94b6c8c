import { type Kysely, sql } from 'kysely';

/** Whether a person asked for an agent to resolve a conflict. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`alter table unit_pulls add resolve_asked boolean not null default false`.execute(database);
}
