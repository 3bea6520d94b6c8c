import { type Kysely, sql } from 'kysely';

/** What reviewers asked for, as it was when they did, and what became of it. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  `create table review_rounds (
     id text primary key,
     repository bigint not null references repositories (id) on delete cascade,
     target text not null,
     unit text not null,
     pull integer not null,
     source text not null unique,
     kind text not null check (kind in ('review', 'fix', 'ci', 'fresh')),
     actor_id bigint not null,
     actor text not null,
     by_bot boolean not null,
     head text not null,
     content json not null,
     left_out integer not null,
     state text not null default 'waiting' check (state in ('waiting', 'postponed', 'started', 'ended')),
     outcome text,
     run text unique,
     asked_at timestamptz not null default now()
   )`,
  `create index review_rounds_open on review_rounds (repository, target, unit) where state <> 'ended'`,
  `create index review_rounds_pull on review_rounds (repository, pull)`,
];
