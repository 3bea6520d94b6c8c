import { ChooError } from '../../errors.ts';
import { findReportedRun, findRuns, type ReportedRun } from '../../store/github/reports.ts';
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

/** What a command is about. */
export interface Chosen {
  /** The run that it names, or else those of the thread. */
  readonly runs: readonly ReportedRun[];
  readonly isNamed: boolean;
  /** The units that it names. */
  readonly units: readonly string[];
}

/**
 * Chooses runs and units by the words of a command. The first word may be the id of a run of this repository, unless the run of
 * the thread has a unit of that name. On a unit's pull request the unit is that one. Throws a ChooError (`usage`) when it names
 * another there.
 */
export async function choose(
  words: readonly string[],
  request: CommandRequest,
  services: Pick<HandlerServices, 'database' | 'runStore'>,
): Promise<Chosen> {
  const runs = await findRunsOfThread(request, services);
  const [first, ...rest] = words;
  if (first !== undefined && !(await hasUnit(runs[0], first, services))) {
    // Never reveals whether a run of another repository exists.
    const named = await findReportedRun(services.database, request.repository.known.id, first);
    if (named !== undefined) return { runs: [named], isNamed: true, units: rest };
  }
  const own = request.unit?.unit;
  const other = own === undefined ? undefined : words.find((word) => word !== own);
  if (other !== undefined)
    throw new ChooError('usage', `this pull request is the result of \`${own}\`, not of \`${other}\``);
  return { runs, isNamed: false, units: own === undefined ? words : [own] };
}

/** Chooses the thread's newest run, or the named one. Throws a ChooError (`usage`) when there is none. */
export async function chooseRun(
  words: readonly string[],
  request: CommandRequest,
  services: Pick<HandlerServices, 'database' | 'runStore'>,
): Promise<{ readonly report: ReportedRun; readonly units: readonly string[] }> {
  const { runs, units } = await choose(words, request, services);
  const [report] = runs;
  if (report === undefined) throw new ChooError('usage', 'there is no run here yet');
  return { report, units };
}

/** Whether a run has a unit of that name. */
export async function hasUnit(
  report: ReportedRun | undefined,
  name: string,
  { runStore }: Pick<HandlerServices, 'runStore'>,
): Promise<boolean> {
  return report !== undefined && (await runStore.startOf(report.run)).units.some(({ id }) => id === name);
}
