import { type Kysely, sql } from 'kysely';

/** Tables of the GitHub App: deliveries as jobs, its repositories, and its posts. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  `alter table deliveries
     add number bigint generated always as identity,
     add thread text not null default '',
     add github_repository bigint,
     add tries integer not null default 0,
     add not_before timestamptz not null default '-infinity',
     add trouble text`,
  // Partial, so small however many deliveries there were.
  `create index deliveries_open on deliveries (number) where handled_at is null`,
  `create index deliveries_by_thread on deliveries (thread, number) where handled_at is null`,
  `create index deliveries_by_repository on deliveries (github_repository)`,
  `create table github_repositories (
     github_id bigint primary key,
     repository bigint not null unique references repositories on delete cascade,
     installation bigint not null,
     owner text not null,
     name text not null,
     default_branch text not null,
     config_commit text,
     has_labels boolean not null default false,
     removed_at timestamptz
   )`,
  `create index github_repositories_by_installation on github_repositories (installation)`,
  `create table posts (
     repository bigint not null references repositories on delete cascade,
     key text not null,
     github_id bigint,
     hash text,
     body json,
     primary key (repository, key)
   )`,
  `create table posted_plans (
     repository bigint not null references repositories on delete cascade,
     thread integer not null,
     commit text not null,
     posted_at timestamptz not null,
     primary key (repository, thread, commit)
   )`,
  `create table reports (
     run text primary key references runs on delete cascade,
     repository bigint not null references repositories on delete cascade,
     thread integer,
     is_pull boolean not null,
     base text not null,
     actor_id bigint,
     approved boolean not null default false,
     seq integer not null default 0,
     wanted integer not null default 0,
     not_before timestamptz not null default '-infinity'
   )`,
  `create index reports_by_thread on reports (repository, thread)`,
  `create table unit_pulls (
     repository bigint not null references repositories on delete cascade,
     target text not null,
     unit text not null,
     number integer not null,
     node_id text not null,
     state text not null check (state in ('open', 'merged', 'closed')),
     base text not null,
     draft boolean not null,
     hash text not null,
     primary key (repository, number)
   )`,
  `create index unit_pulls_by_unit on unit_pulls (repository, target, unit)`,
  `create table write_turns (
     installation bigint primary key,
     next_at timestamptz not null
   )`,
];
