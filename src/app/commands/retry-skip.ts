import type { Command } from '../../github/commands/commands.ts';
import { retryRun, skipUnits } from '../../store/runs/change-run.ts';
import { readServerRun } from '../../store/runs/run-reader.ts';
import { findChangedSpecs } from '../planning/changed-specs.ts';
import type { Planner } from '../planning/planner.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import { demandPushes } from '../repository/permissions.ts';
import { saveReviews } from '../reviews/save-feedback.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { runInstead } from './run-instead.ts';
import { chooseRun } from './thread-runs.ts';

/**
 * `/choo retry`: retries units of the thread's run; on a unit's pull request, that unit. Units whose specs have changed are run
 * anew, unless the old specs are asked for. Throws a ChooError (`usage`, `conflict`) when there is nothing to retry.
 */
export async function retryCommand(
  { words, task, fresh, same }: Command<'retry'>,
  request: CommandRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  await demandPushes(services, request.repository.known.installation);
  const { report, units } = await chooseRun(words, request, services);
  const changed = same
    ? undefined
    : await findChangedSpecs(request.repository, { report, units }, planner, services);
  if (changed !== undefined) return runInstead({ report, changed, fresh }, request, planner, services);
  if (fresh) {
    const { target } = await readServerRun(services.database, report.run);
    await saveReviews(request.repository, { run: report.run, target, units, actor: request.actor }, services);
  }
  await retryRun(services.runStore, {
    run: report.run,
    actor: request.actor.login,
    units,
    fresh,
    ...(task === null ? {} : { from: task }),
  });
  return { kind: 'started' };
}

/** `/choo skip`: skips units of the thread's run. Throws a ChooError (`usage`, `conflict`) when they cannot be skipped. */
export async function skipCommand(
  { words }: Command<'skip'>,
  request: CommandRequest,
  _planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { report, units } = await chooseRun(words, request, services);
  await skipUnits(services.runStore, {
    run: report.run,
    actor: request.actor.login,
    units,
  });
  return { kind: 'done' };
}
