import { sql } from 'kysely';
import { ChooError } from '../../errors.ts';
import { notify } from '../database/listener.ts';
import type { RowState } from '../database/tables.ts';
import type { Jobs } from './jobs.ts';
import type { RunBook } from './run-book.ts';
import { findRun } from './run-rows.ts';
import { ENDED, type RunTurn } from './run-turn.ts';

/** What somebody asks of a run that is there. */
export interface Wish {
  readonly run: string;
  /** One unit; undefined: the whole run. */
  readonly unit?: string | undefined;
  /** Who asks. */
  readonly actor: string;
}

/** What a retry may ask for beside another turn. */
export interface RetryWish extends Wish {
  /** Start over, whatever the branches hold. */
  readonly fresh?: boolean;
  /** From this task on; those before it stay as they are. */
  readonly from?: number;
}

/** Units that may still come to something by themselves. */
const OPEN: ReadonlySet<RowState> = new Set(['waiting', 'queued', 'running', 'blocked']);
/** Units that did not complete, and will not by themselves. */
export const STUCK: ReadonlySet<RowState> = new Set(['failed', 'blocked', 'cancelled']);

/**
 * Cancels a run, or one unit of it: nothing of it starts any more, and whoever works on it is told at once. What is
 * committed stays. Returns the units that were cancelled. Throws a ChooError (`usage`, `conflict`) for what cannot be.
 */
export async function cancelRun(
  book: RunBook,
  jobs: Jobs,
  { run, unit, actor }: Wish,
): Promise<readonly string[]> {
  return book.change(run, async (turn) => {
    if (unit === undefined && ENDED.has(turn.status)) throw over(run, turn);
    const units = chosen(turn, unit).filter((id) => OPEN.has(stateOf(turn, id)));
    if (unit !== undefined && units.length === 0)
      throw wrongState(turn, unit, 'only what has not ended can be cancelled');
    await stopUnits(turn, jobs, units);
    for (const id of units) turn.note({ type: 'unit.cancelled', unit: id, actor });
    if (unit === undefined) turn.note({ type: 'orch.cancelled', actor });
    return units;
  });
}

/** The same for a whole run, where it may have ended already; then there is nothing to do. */
export async function cancelOpenRun(book: RunBook, jobs: Jobs, wish: Omit<Wish, 'unit'>): Promise<void> {
  try {
    await cancelRun(book, jobs, wish);
  } catch (error) {
    if (!(error instanceof ChooError) || error.code !== 'conflict') throw error;
  }
}

/**
 * Leaves a unit out of a run: what depends on it goes on without it. Throws a ChooError (`usage`, `conflict`) where that
 * cannot be.
 */
export async function skipUnit(
  book: RunBook,
  jobs: Jobs,
  { run, unit, actor }: Wish & { readonly unit: string },
): Promise<void> {
  await book.change(run, async (turn) => {
    chosen(turn, unit);
    const state = stateOf(turn, unit);
    if (state === 'complete' || state === 'skipped') throw wrongState(turn, unit, 'it is not in the way');
    await reopen(turn);
    await stopUnits(turn, jobs, [unit]);
    turn.note({ type: 'unit.skipped', unit, actor });
    unblock(turn, [unit]);
  });
}

/**
 * Gives what did not complete another turn: a whole run, or one unit and what it blocked. Attempts start at none again.
 * Returns the units that were asked for. Throws a ChooError (`usage`, `conflict`) where there is nothing to retry, or
 * another run is under way for the same branch.
 */
export async function retryRun(
  book: RunBook,
  jobs: Jobs,
  { run, unit, actor, fresh = false, from }: RetryWish,
): Promise<readonly string[]> {
  await jobs.prepare(run); // its queue went when it ended
  return book.change(run, async (turn) => {
    const again = fresh || from !== undefined;
    const units = chosen(turn, unit).filter((id) => {
      const state = stateOf(turn, id);
      return (
        STUCK.has(state) || (unit !== undefined && (state === 'skipped' || (again && state === 'complete')))
      );
    });
    if (units.length === 0)
      throw unit === undefined
        ? new ChooError('conflict', `nothing in run ${run} needs another turn`)
        : wrongState(
            turn,
            unit,
            'only what has ended can have another turn; `--fresh` redoes what is complete',
          );
    await reopen(turn);
    for (const id of units) {
      const blocked = unit === undefined && stateOf(turn, id) === 'blocked';
      if (blocked) turn.note({ type: 'unit.queued', unit: id });
      else turn.note({ type: 'unit.retried', unit: id, actor, fresh, from: from ?? null });
    }
    // What was built on work that is done anew is looked at again.
    unblock(turn, units);
    if (again)
      for (const id of descendants(turn, units))
        if (stateOf(turn, id) === 'complete') turn.note({ type: 'unit.queued', unit: id });
    return units;
  });
}

/**
 * Has the results of a run go to another branch, and what is known of its units go with them, also when it has ended. False:
 * another run is under way for that branch; then nothing changed.
 */
export async function retargetRun(
  book: RunBook,
  { run, target }: { readonly run: string; readonly target: string },
): Promise<boolean> {
  return book.change(run, async (turn) => {
    const { trx } = turn;
    const { id, repository, target: before } = turn.run;
    const there = { repository, target };
    const rival = (await findRun(trx, there, 'running')) ?? (await findRun(trx, there, 'waiting'));
    if (before === target || rival !== undefined) return false;
    await trx.updateTable('runs').set({ target }).where('id', '=', id).execute();
    // What was done there before under the same name stays what it was.
    for (const table of [sql.table('records'), sql.table('unit_pulls')])
      await sql`
        update ${table} as own set target = ${target}
        where repository = ${repository} and target = ${before} and unit = any(${[...turn.graph.ids]}::text[])
          and not exists (select from ${table} as other where other.repository = own.repository
                            and other.target = ${target} and other.unit = own.unit)`.execute(trx);
    turn.note({ type: 'orch.retargeted', target });
    return true;
  });
}

/** A run that has ended goes on, unless another one has taken its place. */
async function reopen(turn: RunTurn): Promise<void> {
  if (!ENDED.has(turn.status)) return;
  const rival =
    (await findRun(turn.trx, turn.run, 'running')) ?? (await findRun(turn.trx, turn.run, 'waiting'));
  if (rival !== undefined)
    throw new ChooError('conflict', `run ${rival} is under way for \`${turn.run.target}\``, {
      hint: `wait for it, or cancel it: \`choo cancel ${rival}\``,
    });
  const { run, sandbox, parallelism, limits } = turn.start;
  turn.note({ type: 'orch.resumed', run, sandbox, parallelism, limits });
}

/** Takes away the jobs of units, and tells whoever works on them. */
async function stopUnits(turn: RunTurn, jobs: Jobs, units: readonly string[]): Promise<void> {
  const rows = await turn.rows(units);
  const ids = [...rows.values()].flatMap(({ state, job }) =>
    job !== null && (state === 'queued' || state === 'running') ? [job] : [],
  );
  await jobs.cancel(turn.trx, turn.run.id, ids);
  // Read again: until its job was cancelled somebody could claim a unit.
  for (const [unit, { worker }] of await turn.rows(units))
    if (worker !== null) await notify({ about: 'stop', run: turn.run.id, unit }).execute(turn.trx);
}

/** Units that were blocked by these wait again; the scheduler says whether others block them still. */
function unblock(turn: RunTurn, units: readonly string[]): void {
  for (const id of descendants(turn, units))
    if (stateOf(turn, id) === 'blocked') turn.note({ type: 'unit.queued', unit: id });
}

function descendants(turn: RunTurn, units: readonly string[]): ReadonlySet<string> {
  return new Set(units.flatMap((id) => [...turn.graph.descendantsOf(id)]));
}

function chosen(turn: RunTurn, unit: string | undefined): readonly string[] {
  if (unit === undefined) return turn.graph.ids;
  if (turn.graph.has(unit)) return [unit];
  throw new ChooError('usage', `run ${turn.run.id} has no unit \`${unit}\``, {
    hint: `it has ${turn.graph.ids.slice(0, 10).join(', ')}`,
  });
}

function stateOf(turn: RunTurn, unit: string): RowState {
  return turn.states.get(unit) ?? 'waiting';
}

function over(run: string, { status }: RunTurn): ChooError {
  return new ChooError('conflict', `run ${run} has ended already: ${status}`);
}

function wrongState(turn: RunTurn, unit: string, hint: string): ChooError {
  return new ChooError('conflict', `unit \`${unit}\` of run ${turn.run.id} is ${stateOf(turn, unit)}`, {
    hint,
  });
}
