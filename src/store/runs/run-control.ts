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
import { notify } from '../database/listener.ts';
import type { Jobs } from './jobs.ts';
import type { RunBook } from './run-book.ts';
import { findRun } from './run-rows.ts';
import type { RunTurn } from './run-turn.ts';

/** What somebody asks of a run that is there. */
export interface Wish {
  readonly run: string;
  /** Units of it; none: the whole run. */
  readonly units?: readonly string[];
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

/**
 * Cancels a run, or units of it: nothing of it starts any more, and whoever works on it is told at once. What is
 * committed stays. Returns the units that were cancelled. Throws a ChooError (`usage`, `conflict`) for what cannot be.
 */
export async function cancelRun(
  book: RunBook,
  jobs: Jobs,
  { run, units = [], actor }: Wish,
): Promise<readonly string[]> {
  return book.change(run, async (turn) => perform(turn, jobs, cancelEvents(viewOf(turn), { units, actor })));
}

/** The same for a whole run, where it may have ended already; then there is nothing to do. */
export async function cancelOpenRun(book: RunBook, jobs: Jobs, wish: Omit<Wish, 'units'>): Promise<void> {
  try {
    await cancelRun(book, jobs, wish);
  } catch (error) {
    if (!(error instanceof ChooError) || error.code !== 'conflict') throw error;
  }
}

/**
 * Leaves units out of a run: what depends on them goes on without them. Returns them. Throws a ChooError (`usage`,
 * `conflict`) where that cannot be.
 */
export async function skipUnits(
  book: RunBook,
  jobs: Jobs,
  { run, units = [], actor }: Wish,
): Promise<readonly string[]> {
  return book.change(run, async (turn) => perform(turn, jobs, skipEvents(viewOf(turn), { units, actor })));
}

/**
 * Gives what did not complete another turn: a whole run, or units and what they blocked. Attempts start at none again.
 * Returns the units that were asked for. Throws a ChooError (`usage`, `conflict`) where there is nothing to retry, or
 * another run is under way for the same branch.
 */
export async function retryRun(
  book: RunBook,
  jobs: Jobs,
  { run, units = [], actor, fresh = false, from }: RetryWish,
): Promise<readonly string[]> {
  await jobs.prepare(run); // its queue went when it ended
  const request = { units, actor, fresh, from: from ?? null };
  return book.change(run, async (turn) => perform(turn, jobs, retryEvents(viewOf(turn), request)));
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

function viewOf({ run, status, graph, states }: RunTurn): ControlView {
  return {
    run: run.id,
    status,
    graph,
    units: new Map(graph.ids.map((id) => [id, states.get(id) ?? 'waiting'])),
  };
}

/** Notes what was decided, and stops the work it is about. Returns the units. Throws a ChooError for a refusal. */
async function perform(turn: RunTurn, jobs: Jobs, decision: Decision): Promise<readonly string[]> {
  const { units, events, stops, reopens } = changeOf(decision);
  if (reopens) await reopen(turn);
  await stopUnits(turn, jobs, stops);
  for (const event of events) turn.note(event);
  return units;
}

/** A run that has ended goes on, unless another one has taken its place. */
async function reopen(turn: RunTurn): Promise<void> {
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
