import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/** The account as which the App acts on GitHub. */
export interface AppBot {
  /** `SLUG[bot]`. */
  readonly login: string;
  /** GitHub's id of the account; not that of the App. */
  readonly userId: number;
}

/** The bot as GitHub last named it; undefined when it never did. */
export async function findAppBot(database: Database, appId: number): Promise<AppBot | undefined> {
  const { rows } = await sql<{ login: string; user_id: string }>`
    select login, user_id from app_bots where app_id = ${appId}`.execute(database);
  return rows[0] && { login: rows[0].login, userId: Number(rows[0].user_id) };
}

/** Saves what GitHub answered. */
export async function saveAppBot(
  database: Database,
  appId: number,
  { login, userId }: AppBot,
): Promise<void> {
  await sql`
    insert into app_bots (app_id, login, user_id) values (${appId}, ${login}, ${userId})
    on conflict (app_id) do update set login = excluded.login, user_id = excluded.user_id`.execute(database);
}
