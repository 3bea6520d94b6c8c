import type { Database } from '../database/database.ts';

/** Whether a request is known, whichever delivery brought it. */
export async function isKnownRequest(database: Database, source: string): Promise<boolean> {
  const row = await database
    .selectFrom('requests')
    .select('source')
    .where('source', '=', source)
    .executeTakeFirst();
  return row !== undefined;
}

/** Saves a request that was executed without a run. */
export async function saveRequest(database: Database, repository: string, source: string): Promise<void> {
  await database
    .insertInto('requests')
    .values({ source, repository, run: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
