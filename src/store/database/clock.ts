import { sql } from 'kysely';
import type { Database } from './database.ts';

/** The version of the server, and its time in milliseconds since 1970. */
export async function readDatabaseClock(
  database: Database,
): Promise<{ readonly version: string; readonly at: number }> {
  const { rows } = await sql<{ version: string; at: number }>`
    select current_setting('server_version') as version, extract(epoch from clock_timestamp())::float8 * 1000 as at`.execute(
    database,
  );
  return rows[0] ?? { version: 'unknown', at: Date.now() };
}
