import { type Kysely, sql } from 'kysely';

/** What a day may cost, and how many pull requests a run may open. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  // Points to nothing: what was spent stays spent when a run, or its repository, is deleted.
  `create table day_spending (
     day date not null,
     installation text not null,
     run text not null,
     tokens bigint not null,
     cost double precision not null,
     primary key (day, installation, run)
   )`,
  // Few of all claims that there ever were; every reservation adds them up.
  `create index spending_set_aside on spending (run) where reserved_tokens > 0 or reserved_cost > 0`,
  `alter table unit_pulls add run text`,
];
