import { type Kysely, sql } from 'kysely';

/**
 * Who pushed which head, since when specs of a branch must be reviewed, and which of its commits an approved pull request
 * brought.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  `create table pushes (
     repository bigint not null references repositories (id) on delete cascade,
     branch text not null,
     head text not null,
     before text not null,
     sender bigint not null,
     pushed_at timestamptz not null default now(),
     primary key (repository, branch, head, sender)
   )`,
  `create index pushes_age on pushes (pushed_at)`,
  `create table review_starts (
     repository bigint not null references repositories (id) on delete cascade,
     branch text not null,
     commit text not null,
     primary key (repository, branch)
   )`,
  `create table reviewed_commits (
     repository bigint not null references repositories (id) on delete cascade,
     branch text not null,
     commit text not null,
     primary key (repository, branch, commit)
   )`,
];
