import { sql } from 'kysely';
import { ChooError } from '../../errors.ts';
import {
  cancelEvents,
  changeOf,
  type ControlView,
  type Decision,
  retryEvents,
  skipEvents,
} from '../../scheduler/run-control.ts';
import { notify } from '../database/notifications.ts';
import type { Jobs } from './jobs.ts';
import type { RunStore } from './run-store.ts';
import { findRun } from './run-rows.ts';
import type { RunTransaction } from './run-transaction.ts';

/** What somebody asks of a run that is there. */
export interface RunControlRequest {
  readonly run: string;
  /** Units of it; none: the whole run. */
  readonly units?: readonly string[];
  /** Who asks. */
  readonly actor: string;
}

/** What a retry may ask for beside another turn. */
export interface RunRetryRequest extends RunControlRequest {
  /** Start over, whatever the branches hold. */
  readonly fresh?: boolean;
  /** From this task on; those before it stay as they are. */
  readonly from?: number;
}

/**
 * Cancels a run, or units of it: nothing of it starts any more, and whoever works on it is told at once. What is
 * committed stays. Returns the units that were cancelled. Throws a ChooError (`usage`, `conflict`) for what cannot be.
 */
export async function cancelRun(
  runStore: RunStore,
  jobs: Jobs,
  { run, units = [], actor }: RunControlRequest,
): Promise<readonly string[]> {
  return runStore.change(run, async (transaction) =>
    perform(transaction, jobs, cancelEvents(viewOf(transaction), { units, actor })),
  );
}

/** The same for a whole run, where it may have ended already; then there is nothing to do. */
export async function cancelOpenRun(
  runStore: RunStore,
  jobs: Jobs,
  request: Omit<RunControlRequest, 'units'>,
): Promise<void> {
  try {
    await cancelRun(runStore, jobs, request);
  } catch (error) {
    if (!(error instanceof ChooError) || error.code !== 'conflict') throw error;
  }
}

/**
 * Leaves units out of a run: what depends on them goes on without them. Returns them. Throws a ChooError (`usage`,
 * `conflict`) where that cannot be.
 */
export async function skipUnits(
  runStore: RunStore,
  jobs: Jobs,
  { run, units = [], actor }: RunControlRequest,
): Promise<readonly string[]> {
  return runStore.change(run, async (transaction) =>
    perform(transaction, jobs, skipEvents(viewOf(transaction), { units, actor })),
  );
}

/**
 * Gives what did not complete another turn: a whole run, or units and what they blocked. Attempts start at none again.
 * Returns the units that were asked for. Throws a ChooError (`usage`, `conflict`) where there is nothing to retry, or
 * another run is under way for the same branch.
 */
export async function retryRun(
  runStore: RunStore,
  jobs: Jobs,
  { run, units = [], actor, fresh = false, from }: RunRetryRequest,
): Promise<readonly string[]> {
  await jobs.prepare(run); // its queue went when it ended
  const request = { units, actor, fresh, from: from ?? null };
  return runStore.change(run, async (transaction) =>
    perform(transaction, jobs, retryEvents(viewOf(transaction), request)),
  );
}

/**
 * Has the results of a run go to another branch, and what is known of its units go with them, also when it has ended. False:
 * another run is under way for that branch; then nothing changed.
 */
export async function retargetRun(
  runStore: RunStore,
  { run, target }: { readonly run: string; readonly target: string },
): Promise<boolean> {
  return runStore.change(run, async (transaction) => {
    const { trx } = transaction;
    const { id, repository, target: before } = transaction.run;
    const there = { repository, target };
    const rival = (await findRun(trx, there, 'running')) ?? (await findRun(trx, there, 'waiting'));
    if (before === target || rival !== undefined) return false;
    await trx.updateTable('runs').set({ target }).where('id', '=', id).execute();
    // What was done there before under the same name stays what it was.
    for (const table of [sql.table('records'), sql.table('unit_pulls')])
      await sql`
        update ${table} as own set target = ${target}
        where repository = ${repository} and target = ${before} and unit = any(${[...transaction.graph.ids]}::text[])
          and not exists (select from ${table} as other where other.repository = own.repository
                            and other.target = ${target} and other.unit = own.unit)`.execute(trx);
    transaction.append({ type: 'orch.retargeted', target });
    return true;
  });
}

function viewOf({ run, status, graph, states }: RunTransaction): ControlView {
  return {
    run: run.id,
    status,
    graph,
    units: new Map(graph.ids.map((id) => [id, states.get(id) ?? 'waiting'])),
  };
}

/** Notes what was decided, and stops the work it is about. Returns the units. Throws a ChooError for a refusal. */
async function perform(
  transaction: RunTransaction,
  jobs: Jobs,
  decision: Decision,
): Promise<readonly string[]> {
  const { units, events, stops, reopens } = changeOf(decision);
  if (reopens) await reopen(transaction);
  await stopUnits(transaction, jobs, stops);
  for (const event of events) transaction.append(event);
  return units;
}

/** A run that has ended goes on, unless another one has taken its place. */
async function reopen(transaction: RunTransaction): Promise<void> {
  const rival =
    (await findRun(transaction.trx, transaction.run, 'running')) ??
    (await findRun(transaction.trx, transaction.run, 'waiting'));
  if (rival !== undefined)
    throw new ChooError('conflict', `run ${rival} is under way for \`${transaction.run.target}\``, {
      hint: `wait for it, or cancel it: \`choo cancel ${rival}\``,
    });
  const { run, sandbox, parallelism, limits } = transaction.start;
  transaction.append({ type: 'orch.resumed', run, sandbox, parallelism, limits });
}

/** Takes away the jobs of units, and tells whoever works on them. */
async function stopUnits(transaction: RunTransaction, jobs: Jobs, units: readonly string[]): Promise<void> {
  const rows = await transaction.rows(units);
  const ids = [...rows.values()].flatMap(({ state, job }) =>
    job !== null && (state === 'queued' || state === 'running') ? [job] : [],
  );
  await jobs.cancel(transaction.trx, transaction.run.id, ids);
  // Read again: until its job was cancelled somebody could claim a unit.
  for (const [unit, { worker }] of await transaction.rows(units))
    if (worker !== null)
      await notify({ about: 'stop', run: transaction.run.id, unit }).execute(transaction.trx);
}
