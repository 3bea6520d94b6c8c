import { ChooError } from '../errors.ts';
import type { ParsedCommand } from '../github/commands.ts';
import { cancelRun, retryRun, skipUnit } from '../store/run-control.ts';
import { newestRun, newestRunOf, type Report } from '../store/reports.ts';
import { sentence } from './answers.ts';
import type { Asking, Outcome } from './asking.ts';
import type { HandlerServices } from './services.ts';

type Change = Extract<ParsedCommand, { kind: 'cancel' | 'retry' | 'skip' }>;

export function isChange(command: ParsedCommand): command is Change {
  return command.kind === 'cancel' || command.kind === 'retry' || command.kind === 'skip';
}

/** `/choo cancel`, `retry` and `skip`: of the newest run of a thread; on a unit's pull request, of that unit. */
export async function changeRun(
  command: Change,
  asking: Asking,
  services: Pick<HandlerServices, 'database' | 'book' | 'jobs'>,
): Promise<Outcome> {
  const report = await findRunOf(asking, services);
  if (report === undefined) return refuse('there is no run here yet');
  const unit = asking.unit?.unit ?? command.unit ?? undefined;
  if (asking.unit !== undefined && command.unit !== null && command.unit !== asking.unit.unit)
    return refuse(`this pull request is the result of \`${asking.unit.unit}\``);
  const { run } = report;
  const { book, jobs } = services;
  const wish = { run, actor: asking.actor.login };
  try {
    if (command.kind === 'cancel') {
      await cancelRun(book, jobs, { ...wish, unit });
      return { kind: 'done' };
    }
    if (command.kind === 'skip') {
      await skipUnit(book, jobs, { ...wish, unit: unit ?? command.unit });
      return { kind: 'done' };
    }
    const { task, fresh } = command;
    await retryRun(book, jobs, { ...wish, unit, fresh, ...(task === null ? {} : { from: task }) });
    return { kind: 'started' };
  } catch (error) {
    if (!(error instanceof ChooError) || (error.code !== 'usage' && error.code !== 'conflict')) throw error;
    return refuse(error.message);
  }
}

/** The newest run of a thread, or of the unit whose pull request it is. */
export async function findRunOf(
  { repository, thread, unit }: Asking,
  { database }: Pick<HandlerServices, 'database'>,
): Promise<Report | undefined> {
  const { id } = repository.known;
  return unit === undefined
    ? newestRun(database, id, thread)
    : newestRunOf(database, id, unit.target, unit.unit);
}

function refuse(reason: string): Outcome {
  return { kind: 'refused', text: `Nothing was done: ${sentence(reason)}` };
}
