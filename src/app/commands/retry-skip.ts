import { ChooError } from '../../errors.ts';
import type { Command } from '../../github/commands/commands.ts';
import type { ReportedRun } from '../../store/github/reports.ts';
import { retryRun, skipUnits } from '../../store/runs/change-run.ts';
import { changedSpecs } from '../planning/changed-specs.ts';
import type { Planner } from '../planning/planner.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { findRunsOfThread, unitOf } from './thread-runs.ts';

/**
 * `/choo retry`: retries units of the thread's run; on a unit's pull request, that unit. Throws a ChooError (`usage`,
 * `conflict`) when there is nothing to retry.
 */
export async function retryCommand(
  { unit: name, task, fresh }: Command<'retry'>,
  request: CommandRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { report, unit } = await findRunAndUnit(name, request, services);
  const changed = await changedSpecs(request.repository, { report, unit }, planner, services);
  if (changed !== undefined) throw new ChooError('conflict', changed);
  await retryRun(services.runStore, services.jobs, {
    run: report.run,
    actor: request.actor.login,
    units: unit === undefined ? [] : [unit],
    fresh,
    ...(task === null ? {} : { from: task }),
  });
  return { kind: 'started' };
}

/** `/choo skip`: skips a unit of the thread's run. Throws a ChooError (`usage`, `conflict`) when it cannot be skipped. */
export async function skipCommand(
  { unit }: Command<'skip'>,
  request: CommandRequest,
  _planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { report } = await findRunAndUnit(unit, request, services);
  await skipUnits(services.runStore, services.jobs, {
    run: report.run,
    actor: request.actor.login,
    units: [unit],
  });
  return { kind: 'done' };
}

/**
 * Finds the thread's newest run, and the unit: that of the pull request, or else the named one. Throws a ChooError (`usage`) when
 * there is none.
 */
export async function findRunAndUnit(
  name: string | null,
  request: CommandRequest,
  services: HandlerServices,
): Promise<{ readonly report: ReportedRun; readonly unit: string | undefined }> {
  const [report] = await findRunsOfThread(request, services);
  if (report === undefined) throw new ChooError('usage', 'there is no run here yet');
  return { report, unit: unitOf(name, request) };
}
