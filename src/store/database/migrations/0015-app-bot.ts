import { type Kysely, sql } from 'kysely';

/** The bot account of the App, for commits while GitHub does not answer. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`create table app_bots (app_id bigint primary key, login text not null, user_id bigint not null)`.execute(
    database,
  );
}
