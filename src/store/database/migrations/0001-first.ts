import { type Kysely, sql } from 'kysely';

/** The first schema. Never changed once released: later changes are further migrations. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  `create table installations (
     name text primary key,
     served bigint not null default 0
   )`,
  `create table repositories (
     id bigint generated always as identity primary key,
     remote text not null unique,
     installation text not null references installations,
     max_units integer check (max_units > 0)
   )`,
  `create table deliveries (
     id text primary key,
     event text not null,
     received_at timestamptz not null default now(),
     handled_at timestamptz,
     payload json not null
   )`,
  `create index deliveries_by_age on deliveries (received_at)`,
  `create table workers (
     number integer generated always as identity primary key,
     host text not null,
     identity text not null,
     owner text not null,
     beat_at timestamptz not null default now()
   )`,
  `create table runs (
     id text primary key check (id ~ '^[0-9a-z]{10}$'),
     repository bigint not null references repositories on delete cascade,
     target text not null,
     status text not null check (status in ('waiting', 'running', 'complete', 'failed', 'cancelled')),
     seq integer not null,
     last_at double precision not null,
     parallelism integer not null check (parallelism > 0),
     plan json not null,
     ended_at timestamptz
   )`,
  // One running and one waiting run for a branch.
  `create unique index runs_running on runs (repository, target) where status = 'running'`,
  `create unique index runs_waiting on runs (repository, target) where status = 'waiting'`,
  `create index runs_by_repository on runs (repository, id)`,
  `create index runs_by_end on runs (ended_at) where ended_at is not null`,
  // Not a column of `runs`: claiming a unit must not wait for a transaction that changes its run.
  `create table run_turns (
     run text primary key references runs on delete cascade,
     served bigint not null
   )`,
  `create table requests (
     source text primary key,
     repository bigint not null references repositories on delete cascade,
     run text references runs on delete set null,
     received_at timestamptz not null default now()
   )`,
  `create table holds (
     provider text primary key,
     until timestamptz not null
   )`,
  `create table units (
     run text not null references runs on delete cascade,
     id text not null,
     state text not null check (state in
       ('waiting', 'queued', 'running', 'complete', 'failed', 'blocked', 'cancelled', 'skipped')),
     key text not null,
     provider text not null,
     priority integer not null,
     claim integer not null default 0,
     batch integer not null default 0,
     worker integer references workers,
     job uuid,
     job_try integer,
     not_before timestamptz not null default '-infinity',
     beat_at timestamptz,
     head text,
     primary key (run, id)
   )`,
  // Partial, so small however many units there were: units that wait for a slot, and units that have one.
  `create index units_queued on units (run, not_before) where state = 'queued'`,
  `create index units_held on units (worker, run) where worker is not null`,
  `create table dependencies (
     run text not null,
     unit text not null,
     depends_on text not null,
     primary key (run, unit, depends_on),
     foreign key (run, unit) references units on delete cascade
   )`,
  `create table events (
     run text not null references runs on delete cascade,
     seq integer not null,
     at double precision not null,
     unit text,
     body json not null,
     primary key (run, seq)
   )`,
  `create index events_by_unit on events (run, unit, seq) where unit is not null`,
  `create table records (
     repository bigint not null references repositories on delete cascade,
     target text not null,
     unit text not null,
     body json not null,
     primary key (repository, target, unit)
   )`,
  `create table spending (
     run text not null references runs on delete cascade,
     unit text not null,
     claim integer not null,
     reserved_tokens bigint not null default 0,
     reserved_cost double precision not null default 0,
     open_tokens bigint not null default 0,
     open_cost double precision not null default 0,
     used_tokens bigint not null default 0,
     used_cost double precision not null default 0,
     primary key (run, unit, claim)
   )`,
  `create table output_totals (
     run text not null references runs on delete cascade,
     unit text not null,
     head_pieces integer not null default 0,
     pieces integer not null default 0,
     head_length integer not null default 0,
     tail_length integer not null default 0,
     dropped bigint not null default 0,
     primary key (run, unit)
   )`,
  `create table output (
     run text not null references runs on delete cascade,
     unit text not null,
     piece integer not null,
     text text not null,
     primary key (run, unit, piece)
   )`,
];
