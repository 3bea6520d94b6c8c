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
