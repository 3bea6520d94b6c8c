import { ChooError } from '../../errors.ts';
import type { Command } from '../../github/commands/commands.ts';
import { code } from '../../github/render/markdown.ts';
import { findReport, findRuns, type ReportedRun } from '../../store/github/reports.ts';
import { cancelRun } from '../../store/runs/change-run.ts';
import type { Planner } from '../planning/planner.ts';
import { findThread } from '../planning/thread.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { findRunsOfThread, unitOf } from './thread-runs.ts';

/**
 * `/choo cancel`: cancels the thread's running run, or else its waiting one; on a unit's pull request, that unit; on a thread
 * without an open run, the run that a push started for its branch. The id of a run of this repository cancels that run from
 * any thread. Throws a ChooError (`usage`, `conflict`) when the run or unit cannot be cancelled.
 */
export async function cancelCommand(
  { unit: name }: Command<'cancel'>,
  request: CommandRequest,
  _planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { database, runStore, jobs } = services;
  const runs = await findRunsToCancel(request, services);
  const [run] = runs;
  const actor = request.actor.login;
  const isUnit = run !== undefined && (await runStore.startOf(run.run)).units.some(({ id }) => id === name);
  // Never reveals whether a run of another repository exists.
  const named = name === null || isUnit ? undefined : await findReport(database, name);
  if (named !== undefined && named.repository === request.repository.known.id) {
    await cancelRun(runStore, jobs, { run: named.run, actor });
    return { kind: 'done', text: describe(named.run, []) };
  }
  if (run === undefined) throw new ChooError('usage', 'there is no run here yet');
  const unit = unitOf(name, request);
  await cancelRun(runStore, jobs, { run: run.run, units: unit === undefined ? [] : [unit], actor });
  if (unit !== undefined) return { kind: 'done' };
  return { kind: 'done', text: describe(run.run, runs.slice(1).filter(isOpen)) };
}

async function findRunsToCancel(
  request: CommandRequest,
  services: HandlerServices,
): Promise<readonly ReportedRun[]> {
  const own = await findRunsOfThread(request, services);
  if (request.unit !== undefined || own.some(isOpen)) return own;
  const { repository, thread: number, isPull } = request;
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
