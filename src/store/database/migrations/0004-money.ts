import { type Kysely, sql } from 'kysely';

/** Budgets per day, and the limit on pull requests per run. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  // No foreign keys: usage stays counted when a run or its repository is deleted.
  `create table day_spending (
     day date not null,
     installation text not null,
     run text not null,
     tokens bigint not null,
     cost double precision not null,
     primary key (day, installation, run)
   )`,
  // Partial: few of all claims are open, and every reservation sums these.
  `create index spending_set_aside on spending (run) where reserved_tokens > 0 or reserved_cost > 0`,
  `alter table unit_pulls add run text`,
];
