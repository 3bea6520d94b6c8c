import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import type { RunStore } from '../runs/run-store.ts';

/** Rows per delete statement: more would block other transactions for long. */
const BATCH = 100;
/** How long it stays known who pushed a head: a pull request may wait for long until its specs are run. Days. */
const PUSHES_DAYS = 366;
/** Runs `act` unless another process runs it under the same lock. False: another one does. */
export async function withMaintenanceLock(database: Database, act: () => Promise<void>): Promise<boolean> {
  return database.connection().execute(async (connection) => {
    const { rows } = await sql<{ mine: boolean }>`
      select pg_try_advisory_lock(hashtext('choo upkeep')) as mine`.execute(connection);
    if (rows[0]?.mine !== true) return false;
    try {
      await act();
      return true;
    } finally {
      await sql`select pg_advisory_unlock(hashtext('choo upkeep'))`.execute(connection);
    }
  });
}

/**
 * Deletes runs that ended `days` ago with everything that belongs to them, and old deliveries. A run whose units have open pull
 * requests stays: they are judged by its specs. Returns the number of runs.
 */
export async function deleteOld(database: Database, days: number): Promise<number> {
  let total = 0;
  for (;;) {
    const { rows } = await sql`
      delete from runs where id in (
        select id from runs
        where ended_at < now() - ${days} * interval '1 day'
          and not exists (select from records join unit_pulls as pull using (repository, target, unit)
            where records.repository = runs.repository and records.body ->> 'run' = runs.id
              and pull.state in ('open', 'lost'))
        order by ended_at limit ${BATCH}
      ) returning id`.execute(database);
    total += rows.length;
    if (rows.length < BATCH) break;
  }
  await sql`delete from deliveries where received_at < now() - ${days} * interval '1 day'`.execute(database);
  await sql`delete from pushes where pushed_at < now() - ${PUSHES_DAYS} * interval '1 day'`.execute(database);
  // Those of an open pull request stay: they count for how many reviews start an agent by themselves.
  await sql`
    delete from review_rounds as round
    where state = 'ended' and asked_at < now() - ${days} * interval '1 day'
      and not exists (select from unit_pulls as pull where pull.repository = round.repository
        and pull.number = round.pull and pull.state in ('open', 'lost'))
      and not exists (select from runs where runs.id = round.run)`.execute(database);
  await sql`delete from requests where run is null and received_at < now() - ${days} * interval '1 day'`.execute(
    database,
  );
  return total;
}

/** Begins runs that wait for no other. There should be none: each is the result of a bug. Returns their number. */
export async function beginWaitingRuns(database: Database, runStore: RunStore): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    select id from runs where status = 'waiting' and not exists (
      select from runs as other where other.repository = runs.repository and other.target = runs.target
        and other.status = 'running' and other.purpose = 'work')`.execute(database);
  for (const { id } of rows) await runStore.begin(id);
  return rows.length;
}
