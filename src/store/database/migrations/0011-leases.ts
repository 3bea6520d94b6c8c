import { type Kysely, sql } from 'kysely';

/**
 * A process that works on a delivery, or on the report of a run, holds a lease on its row instead of a lock. `lease` counts how
 * often the row was leased, so that a process whose lease was lost cannot finish it.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const table of ['deliveries', 'reports']) {
    await sql`alter table ${sql.table(table)}
      add lease integer not null default 0,
      add leased_by text,
      add leased_until timestamptz`.execute(database);
    await sql`create index ${sql.ref(`${table}_leased`)} on ${sql.table(table)} (leased_by)
      where leased_until is not null`.execute(database);
  }
}
