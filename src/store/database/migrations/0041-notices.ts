import { type Kysely, sql } from 'kysely';

/** Notices that wait to be told, one for each channel, and those that were. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table notices (
      id text primary key,
      channel text not null,
      source text not null,
      body json not null,
      at timestamptz not null default now(),
      tries integer not null default 0,
      not_before timestamptz not null default now(),
      done_at timestamptz,
      trouble text,
      gone_from text,
      lease integer not null default 0,
      leased_by text,
      leased_until timestamptz,
      unique (channel, source)
    )`.execute(database);
  await sql`create index notices_waiting on notices (channel, at) where done_at is null`.execute(database);
}
