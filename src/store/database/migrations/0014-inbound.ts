import { type Kysely, sql } from 'kysely';

/**
 * A post that a process is creating is reserved for it, so that another process waits. What each installation of the App may
 * do is stored, and which lost deliveries GitHub was asked to send again.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  `alter table posts add reserved_by text, add reserved_until timestamptz`,
  `create table github_installations (
     id bigint primary key,
     permissions json not null,
     events json not null,
     read_at timestamptz not null
   )`,
  `create table delivery_searches (
     app bigint primary key,
     searched_at timestamptz not null,
     complete_to timestamptz
   )`,
  `create table redeliveries (
     guid text primary key,
     sent_at timestamptz not null,
     asked_at timestamptz not null default now()
   )`,
];
