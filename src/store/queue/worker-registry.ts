import { sql } from 'kysely';
import { hostname } from 'node:os';
import type { Database } from '../database/database.ts';
import { isGone, ownIdentity, readIdentity } from '../database/worker-identity.ts';
import type { Claim } from '../runs/claim.ts';
import type { RunStore } from '../runs/run-store.ts';
import { QUARANTINE_AFTER, requeueReason, quarantineFailure } from '../runs/quarantine.ts';
import { chargeUnreported } from '../runs/budgets.ts';

/** Times of heartbeats and takeovers. Milliseconds. */
export interface WorkerTimes {
  /** Poll interval for the queue and the other workers, besides notifications. */
  readonly lookMs: number;
  /** Heartbeat interval. */
  readonly beatMs: number;
  /** A worker that could not send a heartbeat for this long aborts its claims, before another may take over. */
  readonly cutOffMs: number;
  /** A worker without a heartbeat for this long counts as dead. */
  readonly believedMs: number;
}

export const WORKER_TIMES: WorkerTimes = {
  lookMs: 1_000,
  beatMs: 3_000,
  cutOffMs: 8_000,
  believedMs: 10_000,
};

/** A registered worker. */
export interface Registered {
  readonly number: number;
}

/** Registers this process as a worker. */
export async function registerWorker(database: Database, owner: string): Promise<Registered> {
  const { number } = await database
    .insertInto('workers')
    .values({ host: hostname(), identity: await ownIdentity(), owner })
    .returning('number')
    .executeTakeFirstOrThrow();
  return { number };
}

/** Saves a worker's heartbeat and returns its claims. Undefined: others declared it dead, and it has no claims any more. */
export async function heartbeat(
  database: Database,
  worker: number,
): Promise<readonly (Claim & { readonly state: string })[] | undefined> {
  const { rows } = await sql<
    { number: number } & { run: string | null; unit: string; claim: number; state: string }
  >`
    with alive as (update workers set beat_at = now() where number = ${worker} returning number)
    select alive.number, units.run, units.id as unit, units.claim, units.state
    from alive left join units on units.worker = alive.number`.execute(database);
  if (rows.length === 0) return undefined;
  return rows.flatMap(({ run, unit, claim, state }) => (run === null ? [] : [{ run, unit, claim, state }]));
}

/** Deletes a worker that stopped. Its remaining claims are requeued like those of a dead one. */
export async function deregisterWorker(
  database: Database,
  runStore: RunStore,
  worker: number,
): Promise<void> {
  await requeueClaimsOf(database, runStore, { worker, reason: 'its worker stopped', died: false });
  await deleteWorker(database, worker);
}

/**
 * Requeues the units of dead workers: of this machine's dead processes at once, after `onDead` ended what they left running;
 * of all others when they sent no heartbeat for `believedMs`. After a restart of the database no worker counts as silent for
 * as long.
 */
export async function requeueFromDeadWorkers(
  database: Database,
  runStore: RunStore,
  {
    me,
    onDead,
    believedMs,
  }: {
    readonly me: number;
    readonly onDead: (owner: string) => Promise<void>;
    readonly believedMs: number;
  },
): Promise<void> {
  const { rows } = await sql<{
    number: number;
    host: string;
    identity: string;
    owner: string;
    silent: boolean;
  }>`
    select number, host, identity, owner,
           beat_at < now() - ${believedMs} * interval '1 millisecond'
           and pg_postmaster_start_time() < now() - ${believedMs} * interval '1 millisecond' as silent
    from workers where number <> ${me}`.execute(database);
  for (const { number, host, identity, owner, silent } of rows) {
    const gone = await isGone({ ...readIdentity(identity), host });
    if (!silent && !gone) continue;
    if (gone) await onDead(owner);
    const reason = gone ? 'its worker died' : 'its worker fell silent';
    await requeueClaimsOf(database, runStore, { worker: number, reason, died: true });
    await deleteWorker(database, number);
  }
}

/** Deletes a worker, unless it has claims again: then it is alive. */
async function deleteWorker(database: Database, number: number): Promise<void> {
  await sql`
    delete from workers where number = ${number}
      and not exists (select from units where units.worker = ${number})`.execute(database);
}

interface RequeueReason {
  readonly worker: number;
  /** Shown to people with the unit. */
  readonly reason: string;
  /** The worker vanished while it had the unit, perhaps because of the unit; see quarantine.ts. */
  readonly died: boolean;
}

/** Requeues all units of a worker. */
async function requeueClaimsOf(database: Database, runStore: RunStore, how: RequeueReason): Promise<void> {
  const held = await database
    .selectFrom('units')
    .select(['run', 'id'])
    .where('worker', '=', how.worker)
    .orderBy('run')
    .execute();
  for (const [run, units] of Map.groupBy(held, ({ run }) => run)) {
    const ids = units.map(({ id }) => id);
    await requeueUnits(runStore, { ...how, run, units: ids });
  }
}

/** How often workers may give a unit back unfinished. Failed attempts and deaths are counted elsewhere. */
const MAX_TRIES = 5;

/** Requeues units of one run that a worker still has, a bounded number of times. */
export async function requeueUnits(
  runStore: RunStore,
  {
    run,
    units,
    worker,
    claim,
    reason,
    died,
  }: RequeueReason & { readonly run: string; readonly units: readonly string[]; readonly claim?: number },
): Promise<void> {
  await runStore.change(run, async (transaction) => {
    for (const [unit, row] of await transaction.rows(units)) {
      if (row.worker !== worker || (claim !== undefined && row.claim !== claim)) continue;
      transaction.change(unit, { free: true });
      const ended = { unit, claim: row.claim };
      if (died) await chargeUnreported(transaction.trx, run, ended);
      transaction.closeSpending(ended);
      if (row.state !== 'running') continue;
      const deaths = row.deaths + (died ? 1 : 0);
      transaction.change(unit, { deaths });
      const verdict = died ? requeueReason(deaths, reason) : reason;
      transaction.append({ type: 'unit.released', unit, reason: verdict ?? reason, until: null });
      if (verdict === undefined) transaction.append(quarantineFailure(unit, deaths));
      // Into quarantine, by the scheduler.
      else if (deaths >= QUARANTINE_AFTER && row.deaths < QUARANTINE_AFTER) continue;
      else if (row.tries < MAX_TRIES) {
        transaction.change(unit, { tries: row.tries + 1 });
        if (deaths < QUARANTINE_AFTER) transaction.queued(unit);
      } else
        transaction.append({
          type: 'unit.failed',
          unit,
          failure: 'internal',
          message: 'too many workers failed to work on it',
          hint: 'see the logs of the workers; `choo retry` tries again',
          head: null,
        });
    }
  });
}
