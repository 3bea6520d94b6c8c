import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/**
 * Keeps a run's units from a provider until a time: what one agent's stream says of a limit anyone near that agent may have
 * written, so other runs learn by attempts of their own. Milliseconds since 1970.
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

/** Until when a provider takes nothing of a run; undefined: it does. Milliseconds since 1970. */
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
