import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/**
 * Pauses a provider until a time in milliseconds since 1970. For this run only: code beside an agent can forge the rate limit
 * in its stream, so other runs find out by their own attempts.
 */
export async function pauseProvider(
  database: Database,
  { run, provider, until }: { readonly run: string; readonly provider: string; readonly until: number },
): Promise<void> {
  await sql`
    insert into holds (run, provider, until) values (${run}, ${provider}, ${new Date(until)})
    on conflict (run, provider) do update set until = greatest(holds.until, excluded.until)`.execute(
    database,
  );
}

/** When the pause of a provider ends, in milliseconds since 1970; undefined when it is not paused. */
export async function pausedUntil(
  database: Database,
  { run, provider }: { readonly run: string; readonly provider: string },
): Promise<number | undefined> {
  const row = await database
    .selectFrom('holds')
    .select('until')
    .where('run', '=', run)
    .where('provider', '=', provider)
    .where('until', '>', sql<Date>`now()`)
    .executeTakeFirst();
  return row?.until.getTime();
}
