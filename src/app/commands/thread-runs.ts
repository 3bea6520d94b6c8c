import { ChooError } from '../../errors.ts';
import { findRuns, type ReportedRun } from '../../store/github/reports.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest } from './command-request.ts';

/** The runs of a thread, or of the unit whose pull request it is: running, then waiting, then ended ones. */
export async function findRunsOfThread(
  { repository, thread, unit }: CommandRequest,
  { database }: Pick<HandlerServices, 'database'>,
): Promise<readonly ReportedRun[]> {
  const { id } = repository.known;
  return findRuns(database, unit === undefined ? { repository: id, thread } : { repository: id, ...unit });
}

/**
 * The unit of a command: that of the pull request it was written on, or else the named one. Throws a ChooError (`usage`) when
 * it names another than the pull request's.
 */
export function unitOf(name: string | null, { unit }: CommandRequest): string | undefined {
  const own = unit?.unit;
  if (own !== undefined && name !== null && name !== own)
    throw new ChooError('usage', `this pull request is the result of \`${own}\``);
  return own ?? name ?? undefined;
}
