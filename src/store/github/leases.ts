import { type RawBuilder, sql } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import type { Database, Trx } from '../database/database.ts';
import { isGone, ownIdentity, readIdentity } from '../database/worker-identity.ts';

/** How long a lease lasts, how often its holder renews it, and when a holder that cannot renew it stops. Milliseconds. */
export interface LeaseTimes {
  readonly lastsMs: number;
  readonly renewMs: number;
  /** Shorter than `lastsMs`: the holder stops before another process may take the row. */
  readonly cutOffMs: number;
}

const LEASE_TIMES: LeaseTimes = { lastsMs: 10_000, renewMs: 3_000, cutOffMs: 8_000 };

/** The tables whose rows are leased, with the column that names a row. */
const KEYS = { deliveries: 'id', reports: 'run' } as const;

/** Work on one row of a table. */
export interface LeasedWork<Row extends object, Result> {
  readonly table: keyof typeof KEYS;
  /**
   * A query for the row to work on: at most one, with the column of {@link KEYS}, locked with `for update skip locked`, and for
   * which {@link IS_FREE} holds.
   */
  readonly choose: RawBuilder<Row>;
  /** The signal aborts when the lease was lost: another process may work on the row. The result is awaited even then. */
  readonly work: (row: Row, signal: AbortSignal) => Promise<Result>;
  /** Writes the result, in a transaction that ends the lease. */
  readonly settle: (trx: Trx, row: Row, result: Result) => Promise<void>;
}

/** The lease was lost, and nothing was written. */
export interface Lost {
  readonly kind: 'lost';
}

/** The condition of a row without a lease. */
export const IS_FREE = sql<boolean>`(leased_until is null or leased_until <= now())`;

/**
 * Leases a row, works on it, and writes the result. Undefined when there is no row. No transaction is open during the work; the
 * lease is renewed instead. When its process dies the lease expires, or ends at once when a process of the same machine looks
 * for work. When the work rejects, the row is free again.
 */
export async function workOnNext<Row extends object, Result>(
  database: Database,
  { table, choose, work, settle }: LeasedWork<Row, Result>,
  times: LeaseTimes = LEASE_TIMES,
): Promise<Result | Lost | undefined> {
  let since = performance.now();
  let row = await take(database, table, choose, times);
  if (row === undefined && (await endLeasesOfDead(database, table))) {
    since = performance.now();
    row = await take(database, table, choose, times);
  }
  if (row === undefined) return undefined;
  const { lease } = row;
  const key = (row as Record<string, unknown>)[KEYS[table]];
  const mine = sql`${sql.ref(KEYS[table])} = ${key} and lease = ${lease} and leased_until is not null`;
  const update = async (on: Database, change: RawBuilder<unknown>): Promise<boolean> => {
    const { numAffectedRows } = await sql`
      update ${sql.table(table)} set ${change} where ${mine}`.execute(on);
    return numAffectedRows === 1n;
  };
  const renewing = renew(
    async () => update(database, sql`leased_until = ${inMs(times.lastsMs)}`),
    since,
    times,
  );
  let result: Result;
  try {
    result = await work(row, renewing.lost);
    if (renewing.lost.aborted) throw renewing.lost.reason;
  } catch (error) {
    await update(database, FREE).catch(() => {}); // it ends by itself
    if (renewing.lost.aborted) return { kind: 'lost' };
    throw error;
  } finally {
    renewing.stop();
  }
  return database.transaction().execute(async (trx) => {
    if (!(await update(trx, FREE))) return { kind: 'lost' };
    await settle(trx, row, result);
    return result;
  });
}

const FREE = sql`leased_by = null, leased_until = null`;

function inMs(ms: number): RawBuilder<Date> {
  return sql<Date>`now() + ${ms} * interval '1 millisecond'`;
}

async function take<Row extends object>(
  database: Database,
  table: keyof typeof KEYS,
  choose: RawBuilder<Row>,
  { lastsMs }: LeaseTimes,
): Promise<(Row & { readonly lease: number }) | undefined> {
  const key = sql.ref(KEYS[table]);
  const { rows } = await sql<Row & { lease: number }>`
    with chosen as (${choose}), taken as (
      update ${sql.table(table)} as row
      set lease = row.lease + 1, leased_by = ${await ownIdentity()}, leased_until = ${inMs(lastsMs)}
      from chosen where row.${key} = chosen.${key}
      returning row.lease
    )
    select chosen.*, taken.lease from chosen, taken`.execute(database);
  return rows[0];
}

/** Renews a lease until `stop`. `lost` aborts when another process has it, or when it could not be renewed in time. */
function renew(
  again: () => Promise<boolean>,
  since: number,
  { renewMs, cutOffMs }: LeaseTimes,
): { readonly lost: AbortSignal; readonly stop: () => void } {
  const [lost, stopped] = [new AbortController(), new AbortController()];
  const { signal } = stopped;
  const loop = async (): Promise<void> => {
    let lastRenewal = since;
    for (;;) {
      await wait(renewMs, undefined, { signal });
      const began = performance.now();
      // Gives the database time to answer even after this process was suspended.
      const answerMs = Math.max(cutOffMs - (began - lastRenewal), renewMs / 3);
      const answer = await Promise.race([
        again().catch(() => undefined),
        wait(answerMs, undefined, { signal }),
      ]);
      if (answer === true) lastRenewal = began;
      if (answer === false || performance.now() - lastRenewal >= cutOffMs) break;
    }
    lost.abort(new Error('the lease was lost'));
  };
  loop().catch(() => {}); // `stop` was called
  return { lost: lost.signal, stop: () => stopped.abort() };
}

/** Ends the leases of this machine's dead processes. False when there are none. */
async function endLeasesOfDead(database: Database, table: keyof typeof KEYS): Promise<boolean> {
  const { rows } = await sql<{ holder: string }>`
    select distinct leased_by as holder from ${sql.table(table)} where leased_until > now()`.execute(
    database,
  );
  let ended = false;
  for (const { holder } of rows) {
    if (!(await isGone(readIdentity(holder)))) continue;
    await sql`
      update ${sql.table(table)} set leased_until = now()
      where leased_by = ${holder} and leased_until is not null`.execute(database);
    ended = true;
  }
  return ended;
}
