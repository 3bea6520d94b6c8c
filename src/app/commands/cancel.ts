import { ChooError } from '../../errors.ts';
import type { Command } from '../../github/commands/commands.ts';
import { code } from '../../github/render/markdown.ts';
import { findReport, findRuns, type ReportedRun } from '../../store/github/reports.ts';
import { cancelRun } from '../../store/runs/run-control.ts';
import type { Planner } from '../planning/planner.ts';
import { findThread } from '../planning/thread.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { findRunsOfThread } from './thread-runs.ts';

/**
 * `/choo cancel`: the run of a thread that runs, then the one that waits; on a unit's pull request that unit; on a thread
 * without an open run of its own, the one that a push started for its branch. With the id of a run of this repository, on any
 * thread: that run. Throws a ChooError (`usage`, `conflict`) for what cannot be cancelled.
 */
export async function cancelCommand(
  { unit: word }: Command<'cancel'>,
  asking: CommandRequest,
  _planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { database, runStore, jobs } = services;
  const runs = await findRunsToCancel(asking, services);
  const [run] = runs;
  const actor = asking.actor.login;
  const isUnit = run !== undefined && (await runStore.startOf(run.run)).units.some(({ id }) => id === word);
  // Another repository's run is as unknown as one that never was.
  const named = word === null || isUnit ? undefined : await findReport(database, word);
  if (named !== undefined && named.repository === asking.repository.known.id) {
    await cancelRun(runStore, jobs, { run: named.run, actor });
    return { kind: 'done', text: describe(named.run, []) };
  }
  if (run === undefined) throw new ChooError('usage', 'there is no run here yet');
  const own = asking.unit?.unit;
  if (own !== undefined && word !== null && word !== own)
    throw new ChooError('usage', `this pull request is the result of \`${own}\``);
  const unit = own ?? word ?? undefined;
  await cancelRun(runStore, jobs, { run: run.run, units: unit === undefined ? [] : [unit], actor });
  if (unit !== undefined) return { kind: 'done' };
  return { kind: 'done', text: describe(run.run, runs.slice(1).filter(isOpen)) };
}

async function findRunsToCancel(
  asking: CommandRequest,
  services: HandlerServices,
): Promise<readonly ReportedRun[]> {
  const own = await findRunsOfThread(asking, services);
  if (asking.unit !== undefined || own.some(isOpen)) return own;
  const { repository, thread: number, isPull } = asking;
  const found = await findThread(repository, { number, isPull }, services);
  if (found.kind === 'refused') return own;
  const { target } = found.thread.live;
  const pushed = await findRuns(services.database, { repository: repository.known.id, target });
  return pushed.some(isOpen) ? pushed.filter(isOpen) : own;
}

function isOpen({ status }: ReportedRun): boolean {
  return status === 'running' || status === 'waiting';
}

function describe(run: string, others: readonly ReportedRun[]): string {
  const still = others.map(({ run }) => code(run)).join(', ');
  const more =
    still === ''
      ? ''
      : ` ${still} waited for it and is still there: ${code('/choo cancel')} once more cancels it, too.`;
  return `Run ${code(run)} is cancelled; what is committed stays.${more}`;
}
