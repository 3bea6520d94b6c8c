import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/**
 * Begins a search for the lost deliveries of an App, unless a process began one less than `gapMs` ago. Returns up to when
 * deliveries were searched before; null: never. Undefined: not now.
 */
export async function beginSearch(
  database: Database,
  app: number,
  gapMs: number,
): Promise<{ readonly completeTo: Date | null } | undefined> {
  const { rows } = await sql<{ completeTo: Date | null }>`
    insert into delivery_searches as search (app, searched_at) values (${app}, now())
    on conflict (app) do update set searched_at = now()
      where search.searched_at <= now() - ${gapMs} * interval '1 millisecond'
    returning complete_to as "completeTo"`.execute(database);
  return rows[0];
}

/** Saves that deliveries up to a time were searched, and forgets old ones. */
export async function endSearch(database: Database, app: number, completeTo: Date): Promise<void> {
  await database
    .updateTable('delivery_searches')
    .set({ complete_to: completeTo })
    .where('app', '=', String(app))
    .execute();
  await sql`delete from redeliveries where asked_at < now() - interval '14 days'`.execute(database);
}

/** The events among these that are not stored, and that GitHub was not asked for. */
export async function unknownDeliveries(
  database: Database,
  guids: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ guid: string }>`
    select guid from unnest(${[...guids]}::text[]) as wanted (guid)
    where not exists (select from deliveries where id = guid)
      and not exists (select from redeliveries where redeliveries.guid = wanted.guid)`.execute(database);
  return new Set(rows.map(({ guid }) => guid));
}

/** Saves that GitHub is asked for a delivery again; `sentAt`: when it first sent it. Call before the request. */
export async function saveRedelivery(database: Database, guid: string, sentAt: Date): Promise<void> {
  await database
    .insertInto('redeliveries')
    .values({ guid, sent_at: sentAt })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
