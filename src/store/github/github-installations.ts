import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { notify } from '../database/notifications.ts';

/** What the account that installed the App lets it do. */
export interface Installation {
  readonly id: number;
  /** `read`, `write` or `admin` by permission; what is not there is withheld. */
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
}

/** Saves what GitHub says of an installation now. */
export async function saveInstallation(
  database: Database,
  { id, permissions, events }: Installation,
): Promise<void> {
  const values = {
    permissions: JSON.stringify(permissions),
    events: JSON.stringify(events),
    read_at: new Date(),
  };
  await database
    .insertInto('github_installations')
    .values({ id, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute();
}

/** What was saved of an installation less than `maxAgeMs` ago. */
export async function findInstallation(
  database: Database,
  id: number,
  maxAgeMs: number,
): Promise<Installation | undefined> {
  const row = await database
    .selectFrom('github_installations')
    .select(['permissions', 'events'])
    .where('id', '=', String(id))
    .where('read_at', '>', sql<Date>`now() - ${maxAgeMs} * interval '1 millisecond'`)
    .executeTakeFirst();
  return row && { id, ...row };
}

/** Has everything that GitHub rejected in an installation's repositories be written now. */
export async function retryRejectedWrites(database: Database, installation: number): Promise<void> {
  await sql`
    update reports set wanted = wanted + 1
    where retry_at is not null and repository in (
      select repository from github_repositories where installation = ${installation} and removed_at is null)`.execute(
    database,
  );
  await notify({ about: 'report' }).execute(database);
}
