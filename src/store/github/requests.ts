import type { Database } from '../database/database.ts';

/** Whether something was asked for before, whatever delivery it came in. */
export async function isKnownRequest(database: Database, source: string): Promise<boolean> {
  const row = await database
    .selectFrom('requests')
    .select('source')
    .where('source', '=', source)
    .executeTakeFirst();
  return row !== undefined;
}

/** It was, and is done. */
export async function saveRequest(database: Database, repository: string, source: string): Promise<void> {
  await database
    .insertInto('requests')
    .values({ source, repository, run: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
