import { ChooError } from '../../errors.ts';
import type { ReportedRun } from '../../store/github/reports.ts';
import type { ChangedSpecs } from '../planning/changed-specs.ts';
import type { Planner } from '../planning/planner.ts';
import { paragraphs, sentences } from '../repository/answers.ts';
import { isHeld, readLabels } from '../repository/labels.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { HELD, outcomeOf, refuse, runUnits } from './run-command.ts';
import { startRun } from './start-run.ts';

/** A retry of units whose specs have changed since the run of the report planned them. */
export interface OutdatedRetry {
  readonly report: ReportedRun;
  readonly changed: ChangedSpecs;
  /** The units start over. */
  readonly fresh: boolean;
}

/**
 * Does for a retry what `/choo run UNIT…` does on the thread of the run: the same questions, the same refusals, a new run. Says
 * so. Throws a ChooError (`usage`) when none of the units is left.
 */
export async function runInstead(
  retry: OutdatedRetry,
  request: CommandRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { message, units } = retry.changed;
  if (units.length === 0)
    throw new ChooError('usage', `${message}, and none of them is left`, {
      hint: '`--same` retries the old ones',
    });
  const result = await start(retry, request, planner, services);
  const said = sentences(
    message,
    'A retry is a new run of what is there now; `--same` retries the old specs',
  );
  return { ...result, text: paragraphs([said, ...(result.text === undefined ? [] : [result.text])]) };
}

async function start(
  { report, changed: { units, live }, fresh }: OutdatedRetry,
  request: CommandRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { repository, source, actor } = request;
  const { thread, isPull } = report;
  if (thread !== null) {
    const labels = await readLabels(repository, thread);
    return runUnits({ units, fresh }, { ...request, thread, isPull, labels }, planner, services);
  }
  if (isHeld(request.labels)) return refuse(HELD);
  return outcomeOf(
    await startRun({ repository, source, actor, at: live, thread, isPull, units, fresh }, planner, services),
  );
}
