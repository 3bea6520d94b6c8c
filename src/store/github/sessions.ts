import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/** An account of GitHub that signed in. */
interface SessionAccount {
  readonly id: number;
  readonly login: string;
}

/** How long a session lasts, whatever happens in it. Hours. */
const SESSION_HOURS = 8;
/** Sessions of one account at a time; the oldest ends first. */
const MAX_SESSIONS = 20;

/** Begins a session, and returns its token, which is stored as a hash only. Deletes those that are over. */
export async function beginSession(database: Database, { id, login }: SessionAccount): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await database.transaction().execute(async (trx) => {
    const endsAt = sql<Date>`now() + ${SESSION_HOURS} * interval '1 hour'`;
    await trx
      .insertInto('sessions')
      .values({ token_hash: hashOf(token), account: id, login, ends_at: endsAt })
      .execute();
    await sql`
      delete from sessions where ends_at < now() or token_hash in (
        select token_hash from sessions where account = ${id} order by ends_at desc offset ${MAX_SESSIONS}
      )`.execute(trx);
  });
  return token;
}

/** The account of a session that is not over. */
export async function findSession(database: Database, token: string): Promise<SessionAccount | undefined> {
  const row = await database
    .selectFrom('sessions')
    .select(['account', 'login'])
    .where('token_hash', '=', hashOf(token))
    .where('ends_at', '>', sql<Date>`now()`)
    .executeTakeFirst();
  return row && { id: Number(row.account), login: row.login };
}

/** Ends every session of an account. */
export async function endSessions(database: Database, account: number): Promise<void> {
  await database.deleteFrom('sessions').where('account', '=', String(account)).execute();
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
