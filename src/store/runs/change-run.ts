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
import type { RunStore } from './run-store.ts';
import { findOpenRun } from './run-rows.ts';
import type { RunTransaction } from './run-transaction.ts';

/** A request to change an existing run. */
export interface RunControlRequest {
  readonly run: string;
  /** Units of it; none: the whole run. */
  readonly units?: readonly string[];
  /** Who requests it. */
  readonly actor: string;
}

/** A retry, with its options. */
export interface RunRetryRequest extends RunControlRequest {
  /** Start over, whatever is on the branches. */
  readonly fresh?: boolean;
  /** The first task to repeat; earlier ones stay as they are. */
  readonly from?: number;
}

/**
 * Cancels a run, or units of it: nothing of it starts any more, and its workers are notified at once. Commits are kept.
 * Returns the cancelled units. Throws a ChooError (`usage`, `conflict`) when they cannot be cancelled.
 */
export async function cancelRun(
  runStore: RunStore,
  { run, units = [], actor }: RunControlRequest,
): Promise<readonly string[]> {
  return runStore.change(run, async (transaction) =>
    perform(transaction, cancelEvents(viewOf(transaction), { units, actor })),
  );
}

/** Cancels a whole run, and does nothing when it has ended already. */
export async function cancelOpenRun(
  runStore: RunStore,
  request: Omit<RunControlRequest, 'units'>,
): Promise<void> {
  try {
    await cancelRun(runStore, request);
  } catch (error) {
    if (!(error instanceof ChooError) || error.code !== 'conflict') throw error;
  }
}

/**
 * Skips units of a run: their dependents go on without them. Returns them. Throws a ChooError (`usage`, `conflict`) when they
 * cannot be skipped.
 */
export async function skipUnits(
  runStore: RunStore,
  { run, units = [], actor }: RunControlRequest,
): Promise<readonly string[]> {
  return runStore.change(run, async (transaction) => {
    refuseUpdate(transaction);
    return perform(transaction, skipEvents(viewOf(transaction), { units, actor }));
  });
}

/**
 * Retries what did not complete: a whole run, or units and what they blocked. Attempts start at zero again. Returns the
 * requested units. Throws a ChooError (`usage`, `conflict`) when there is nothing to retry, or another run of the same branch
 * is running or waiting.
 */
export async function retryRun(
  runStore: RunStore,
  { run, units = [], actor, fresh = false, from }: RunRetryRequest,
): Promise<readonly string[]> {
  const request = { units, actor, fresh, from: from ?? null };
  return runStore.change(run, async (transaction) => {
    refuseUpdate(transaction);
    return perform(transaction, retryEvents(viewOf(transaction), request));
  });
}

/**
 * Changes the target of a run, and with it that of its unit records and pull requests, also when it has ended. False, and
 * nothing changed: another run of that branch is running or waiting.
 */
export async function retargetRun(
  runStore: RunStore,
  { run, target }: { readonly run: string; readonly target: string },
): Promise<boolean> {
  return runStore.change(run, async (transaction) => {
    const { trx } = transaction;
    const { id, repository, target: before } = transaction.run;
    const rival = await findOpenRun(trx, { repository, target });
    if (before === target || rival !== undefined) return false;
    await trx.updateTable('runs').set({ target }).where('id', '=', id).execute();
    // Rows of units with the same name on the new target stay as they are.
    for (const table of [sql.table('records'), sql.table('unit_pulls')])
      await sql`
        update ${table} as own set target = ${target}
        where repository = ${repository} and target = ${before} and unit = any(${[...transaction.graph.ids]}::text[])
          and not exists (select from ${table} as other where other.repository = own.repository
                            and other.target = ${target} and other.unit = own.unit)`.execute(trx);
    // Updates of its units go with their records.
    await sql`
      update runs as own set target = ${target}
      where repository = ${repository} and target = ${before} and purpose = 'update'
        and update_unit = any(${[...transaction.graph.ids]}::text[])
        and not exists (select from runs as other where other.repository = own.repository
                          and other.target = ${target} and other.update_unit = own.update_unit)`.execute(trx);
    transaction.append({ type: 'orch.retargeted', target });
    return true;
  });
}

/** An update is requested again, at the heads that there are then; nothing depends on it. */
function refuseUpdate({ run, graph }: RunTransaction): void {
  if (run.purpose === 'work') return;
  throw new ChooError('usage', `run ${run.id} only brings \`${graph.ids[0]}\` up to date`, {
    hint: 'choo starts another one when it is needed; retry or skip the unit in the run that did its work',
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

/** Appends the events of a decision, and stops the work on its units. Returns the units. Throws a ChooError for a refusal. */
async function perform(transaction: RunTransaction, decision: Decision): Promise<readonly string[]> {
  const { units, events, stops, reopens } = changeOf(decision);
  if (reopens) await reopen(transaction);
  await stopUnits(transaction, stops);
  for (const event of events) transaction.append(event);
  return units;
}

/** Continues a run that has ended, unless another run of its branch is running or waiting. */
async function reopen(transaction: RunTransaction): Promise<void> {
  const rival = await findOpenRun(transaction.trx, transaction.run);
  if (rival !== undefined)
    throw new ChooError('conflict', `run ${rival} is under way for \`${transaction.run.target}\``, {
      hint: `wait for it, or cancel it: \`choo cancel ${rival}\``,
    });
  const { run, sandbox, parallelism, limits } = transaction.start;
  transaction.append({ type: 'orch.resumed', run, sandbox, parallelism, limits });
}

/** Notifies the workers that have units. No other can claim one before this change is written. */
async function stopUnits(transaction: RunTransaction, units: readonly string[]): Promise<void> {
  for (const [unit, { worker }] of await transaction.rows(units))
    if (worker !== null)
      await notify({ about: 'stop', run: transaction.run.id, unit }).execute(transaction.trx);
}
