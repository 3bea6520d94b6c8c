import { ChooError } from '../../errors.ts';
import type { ParsedCommand } from '../../github/commands/commands.ts';
import { retryRun, skipUnits } from '../../store/runs/run-control.ts';
import { changedSpecs } from '../planning/changed-specs.ts';
import type { Planner } from '../planning/planner.ts';
import { sentence } from '../repository/answers.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { Asking, Outcome } from './asking.ts';
import { cancelCommand } from './cancel.ts';
import { findRunsOf } from './runs-of-thread.ts';

type Change = Extract<ParsedCommand, { kind: 'cancel' | 'retry' | 'skip' }>;

export function isChange(command: ParsedCommand): command is Change {
  return command.kind === 'cancel' || command.kind === 'retry' || command.kind === 'skip';
}

/** `/choo cancel`, `retry` and `skip`: of the run of a thread; on a unit's pull request, of that unit. */
export async function changeRun(
  command: Change,
  asking: Asking,
  planner: Planner,
  services: HandlerServices,
): Promise<Outcome> {
  try {
    if (command.kind === 'cancel') return await cancelCommand(command, asking, services);
    const [report] = await findRunsOf(asking, services);
    if (report === undefined) return refuse('there is no run here yet');
    const unit = asking.unit?.unit ?? command.unit ?? undefined;
    if (asking.unit !== undefined && command.unit !== null && command.unit !== asking.unit.unit)
      return refuse(`this pull request is the result of \`${asking.unit.unit}\``);
    const { book, jobs } = services;
    const wish = { run: report.run, actor: asking.actor.login };
    if (command.kind === 'skip') {
      await skipUnits(book, jobs, { ...wish, units: [unit ?? command.unit] });
      return { kind: 'done' };
    }
    const changed = await changedSpecs(asking.repository, { report, unit }, planner, services);
    if (changed !== undefined) return refuse(changed);
    const { task, fresh } = command;
    await retryRun(book, jobs, {
      ...wish,
      units: unit === undefined ? [] : [unit],
      fresh,
      ...(task === null ? {} : { from: task }),
    });
    return { kind: 'started' };
  } catch (error) {
    if (!(error instanceof ChooError) || (error.code !== 'usage' && error.code !== 'conflict')) throw error;
    return refuse(error.message);
  }
}

function refuse(reason: string): Outcome {
  return { kind: 'refused', text: `Nothing was done: ${sentence(reason)}` };
}
