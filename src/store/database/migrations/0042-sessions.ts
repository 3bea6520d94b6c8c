import { type Kysely, sql } from 'kysely';

/** People who signed in to the dashboard: the hash of a session's token, so that the table opens nothing. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table sessions (
      token_hash text primary key,
      account bigint not null,
      login text not null,
      ends_at timestamptz not null
    )`.execute(database);
  await sql`create index sessions_account on sessions (account, ends_at)`.execute(database);
}
