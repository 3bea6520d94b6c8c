import { type Kysely, sql } from 'kysely';

/**
 * A run does work that a person requested, or brings one unit up to date. Of the first kind there is one running and one
 * waiting run for a branch, of the second one for each unit.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  `alter table runs
     add purpose text not null default 'work' check (purpose in ('work', 'update')),
     add update_unit text,
     add constraint runs_update_unit check ((purpose = 'update') = (update_unit is not null))`,
  `drop index runs_running`,
  `drop index runs_waiting`,
  `create unique index runs_running on runs (repository, target) where status = 'running' and purpose = 'work'`,
  `create unique index runs_waiting on runs (repository, target) where status = 'waiting' and purpose = 'work'`,
  `create unique index runs_updating on runs (repository, target, update_unit)
     where status in ('running', 'waiting') and purpose = 'update'`,
  `create index runs_updates on runs (repository, target, update_unit) where purpose = 'update'`,
];
