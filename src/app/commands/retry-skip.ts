import { ChooError } from '../../errors.ts';
import type { Command } from '../../github/commands/commands.ts';
import type { ReportedRun } from '../../store/github/reports.ts';
import { retryRun, skipUnits } from '../../store/runs/run-control.ts';
import { changedSpecs } from '../planning/changed-specs.ts';
import type { Planner } from '../planning/planner.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { findRunsOfThread } from './thread-runs.ts';

/**
 * `/choo retry`: of the run of a thread; on a unit's pull request, of that unit. Throws a ChooError (`usage`, `conflict`)
 * for what cannot be tried again.
 */
export async function retryCommand(
  { unit: word, task, fresh }: Command<'retry'>,
  asking: CommandRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { report, unit } = await findRunAndUnit(word, asking, services);
  const changed = await changedSpecs(asking.repository, { report, unit }, planner, services);
  if (changed !== undefined) throw new ChooError('conflict', changed);
  await retryRun(services.runStore, services.jobs, {
    run: report.run,
    actor: asking.actor.login,
    units: unit === undefined ? [] : [unit],
    fresh,
    ...(task === null ? {} : { from: task }),
  });
  return { kind: 'started' };
}

/** `/choo skip`: of the run of a thread. Throws a ChooError (`usage`, `conflict`) for what cannot be skipped. */
export async function skipCommand(
  { unit }: Command<'skip'>,
  asking: CommandRequest,
  _planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { report } = await findRunAndUnit(unit, asking, services);
  await skipUnits(services.runStore, services.jobs, {
    run: report.run,
    actor: asking.actor.login,
    units: [unit],
  });
  return { kind: 'done' };
}

/** The newest run of a thread, and the unit whose pull request the thread is, or else the named one. */
async function findRunAndUnit(
  word: string | null,
  asking: CommandRequest,
  services: HandlerServices,
): Promise<{ readonly report: ReportedRun; readonly unit: string | undefined }> {
  const [report] = await findRunsOfThread(asking, services);
  if (report === undefined) throw new ChooError('usage', 'there is no run here yet');
  const own = asking.unit?.unit;
  if (own !== undefined && word !== null && word !== own)
    throw new ChooError('usage', `this pull request is the result of \`${own}\``);
  return { report, unit: own ?? word ?? undefined };
}
