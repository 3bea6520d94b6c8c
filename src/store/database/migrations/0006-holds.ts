import { type Kysely, sql } from 'kysely';

/** A provider pause belongs to the run whose agent reported the limit, and is deleted with it. Older rows have no run. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  `drop table holds`,
  `create table holds (
     run text not null references runs on delete cascade,
     provider text not null,
     until timestamptz not null,
     primary key (run, provider)
   )`,
];
