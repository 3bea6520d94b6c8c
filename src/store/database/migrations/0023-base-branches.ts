import { type Kysely, sql } from 'kysely';

/** When base branches of units on several dependencies were made: whoever deletes them in a loop meets a limit, also after a restart. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table base_branches (
      repository bigint not null references repositories (id) on delete cascade,
      branch text not null,
      made_at timestamptz not null default now()
    )`.execute(database);
  await sql`create index base_branches_place on base_branches (repository, branch)`.execute(database);
}
