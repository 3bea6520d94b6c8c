import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import type { Jobs } from '../runs/jobs.ts';
import type { RunStore } from '../runs/run-store.ts';
import { QUARANTINE_AFTER } from '../runs/quarantine.ts';

/** Rows per delete statement: more would block other transactions for long. */
const BATCH = 100;
/** How long it stays known who pushed a head: a pull request may wait for long until its specs are run. Days. */
const PUSHES_DAYS = 366;
/** A run that ended this long ago needs no queue any more. Milliseconds. */
const QUEUE_IDLE_MS = 60_000;
/** A queue is made before its run is: one of this age without a run was never submitted. Milliseconds. */
const QUEUE_UNUSED_MS = 600_000;

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

/** Differences that were repaired. */
export interface Reconciled {
  /** Queued units without a job. */
  readonly jobsMissing: number;
  /** Claimed units whose job was no longer active. */
  readonly jobsLost: number;
  /** Waiting runs with no run before them. */
  readonly runsWaiting: number;
  /** Queues of runs that ended or were never submitted. */
  readonly queuesLeft: number;
}

/** Compares rows with jobs and repairs the differences. There should be none: each is the result of a bug. */
export async function reconcile(database: Database, jobs: Jobs, runStore: RunStore): Promise<Reconciled> {
  const missing = await sql<{ run: string; id: string }>`
    select units.run, units.id from units join runs on runs.id = units.run
    where units.state = 'queued' and runs.status = 'running' and units.worker is null and units.deaths < ${QUARANTINE_AFTER}
      and not exists (select from choo_jobs.job where job.id = units.job and job.name = 'run-' || units.run
                        and job.state in ('created', 'retry'))`.execute(database);
  const lost = await sql<{ run: string; id: string }>`
    select units.run, units.id from units join runs on runs.id = units.run
    where units.state = 'running' and runs.status = 'running' and units.worker is not null and units.job is not null
      and units.beat_at < now() - interval '1 minute'
      and not exists (select from choo_jobs.job where job.id = units.job and job.name = 'run-' || units.run
                        and job.state = 'active')`.execute(database);
  for (const { run, id: unit } of [...missing.rows, ...lost.rows]) {
    await jobs.prepare(run); // without its queue the unit could not be queued, however often that is tried
    await runStore.change(run, async (transaction) => {
      const row = (await transaction.rows([unit])).get(unit);
      if (row?.state !== 'queued' && row?.state !== 'running') return;
      transaction.change(unit, { free: true });
      transaction.append({ type: 'unit.released', unit, reason: 'its job was gone', until: null });
    });
  }
  const waiting = await sql<{ id: string }>`
    select id from runs where status = 'waiting' and not exists (
      select from runs as other where other.repository = runs.repository and other.target = runs.target
        and other.status = 'running' and other.purpose = 'work')`.execute(database);
  for (const { id } of waiting.rows) await runStore.begin(id);
  return {
    jobsMissing: missing.rows.length,
    jobsLost: lost.rows.length,
    runsWaiting: waiting.rows.length,
    queuesLeft: await dropQueues(database, jobs),
  };
}

/** Removes the queues of runs that have ended, or were never submitted. */
async function dropQueues(database: Database, jobs: Jobs): Promise<number> {
  const queues = await jobs.queues();
  if (queues.length === 0) return 0;
  const unused = Date.now() - QUEUE_UNUSED_MS;
  const old = queues.filter(({ since }) => since.getTime() < unused);
  const { rows } = await sql<{ id: string }>`
    select queue.id from unnest(${queues.map(({ run }) => run)}::text[]) as queue (id)
    left join runs on runs.id = queue.id
    where coalesce(runs.ended_at < now() - ${QUEUE_IDLE_MS} * interval '1 millisecond',
                   runs.id is null and queue.id = any(${old.map(({ run }) => run)}::text[]))
      and not exists (select from units where units.run = queue.id and units.worker is not null)`.execute(
    database,
  );
  let dropped = 0;
  for (const { id } of rows) if (await dropQueue(database, jobs, id)) dropped += 1;
  return dropped;
}

/** Removes a run's queue, unless the run was retried at this moment: a retry makes the queue under the same lock. */
async function dropQueue(database: Database, jobs: Jobs, run: string): Promise<boolean> {
  return database.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('runs')
      .select('ended_at')
      .where('id', '=', run)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (row?.ended_at === null) return false;
    await jobs.drop(run);
    return true;
  });
}
