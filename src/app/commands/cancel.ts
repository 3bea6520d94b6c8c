import { ChooError } from '../../errors.ts';
import type { Command } from '../../github/commands/commands.ts';
import { findRuns, type ReportedRun } from '../../store/github/reports.ts';
import { cancelOpenRun, cancelRun } from '../../store/runs/change-run.ts';
import type { Planner } from '../planning/planner.ts';
import { findThread } from '../planning/thread.ts';
import { type Answer, sentences } from '../repository/answers.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { cancelRounds } from '../reviews/cancel-rounds.ts';
import { choose, findRunsOfThread, hasUnit } from './thread-runs.ts';

const ALL = 'all';

/**
 * `/choo cancel`: cancels the thread's running run, or else its waiting one; on a unit's pull request, the rounds of review that
 * wait or are worked on, or else that unit; on a thread
 * without an open run, the run that a push started for its branch. `all`: each of these runs. The id of a run of this
 * repository cancels that run from any thread. Throws a ChooError (`usage`, `conflict`) when the run or unit cannot be
 * cancelled.
 */
export async function cancelCommand(
  { words }: Command<'cancel'>,
  request: CommandRequest,
  _planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { runStore } = services;
  const actor = request.actor.login;
  if (words.length === 1 && words[0] === ALL && request.unit === undefined) {
    const [newest] = await findRunsOfThread(request, services);
    if (!(await hasUnit(newest, ALL, services))) return cancelAll(request, services);
  }
  const chosen = await choose(words, request, services);
  const { units } = chosen;
  if (request.unit !== undefined && !chosen.isNamed) {
    const { repository, thread: pull } = request;
    const { waiting, started } = await cancelRounds(
      { repository: repository.known.id, pull, actor },
      services,
    );
    if (waiting > 0)
      return { kind: 'done', text: sentences('the review that waited starts nothing any more') };
    if (started > 0) return { kind: 'done' };
  }
  const runs = chosen.isNamed ? chosen.runs : await findRunsToCancel(chosen.runs, request, services);
  const [run, ...others] = runs;
  if (run === undefined) throw new ChooError('usage', 'there is no run here yet');
  await cancelRun(runStore, { run: run.run, units, actor });
  if (units.length > 0) return { kind: 'done' };
  return { kind: 'done', text: describe([run], others.filter(isOpen)) };
}

/** Cancels what runs or waits for the thread and for its branch. What waits goes first, so that it never starts. */
async function cancelAll(request: CommandRequest, services: HandlerServices): Promise<CommandResult> {
  const { runStore } = services;
  const open = [
    ...(await findRunsOfThread(request, services)),
    ...(await findRunsOfBranch(request, services)),
  ].filter(isOpen);
  if (open.length === 0) throw new ChooError('usage', 'no run is under way here');
  const actor = request.actor.login;
  for (const { run } of open.toSorted(
    (a, b) => Number(b.status === 'waiting') - Number(a.status === 'waiting'),
  ))
    await cancelOpenRun(runStore, { run, actor });
  return { kind: 'done', text: describe(open, []) };
}

async function findRunsToCancel(
  own: readonly ReportedRun[],
  request: CommandRequest,
  services: HandlerServices,
): Promise<readonly ReportedRun[]> {
  if (request.unit !== undefined || own.some(isOpen)) return own;
  const pushed = await findRunsOfBranch(request, services);
  return pushed.some(isOpen) ? pushed.filter(isOpen) : own;
}

/** The runs of the thread's branch that have no thread of their own. */
async function findRunsOfBranch(
  { repository, thread: number, isPull }: CommandRequest,
  services: HandlerServices,
): Promise<readonly ReportedRun[]> {
  const found = await findThread(repository, { number, isPull }, services);
  if (found.kind === 'refused') return [];
  const { target } = found.thread.live;
  return findRuns(services.database, { repository: repository.known.id, target });
}

function isOpen({ status }: ReportedRun): boolean {
  return status === 'running' || status === 'waiting';
}

function describe(cancelled: readonly ReportedRun[], others: readonly ReportedRun[]): Answer {
  const [names, still] = [cancelled, others].map((runs) => runs.map(({ run }) => `\`${run}\``).join(', '));
  return sentences(
    cancelled.length === 1
      ? `run ${names} is cancelled; what is committed stays`
      : `runs ${names} are cancelled; what is committed stays`,
    ...(others.length === 0
      ? []
      : [`run ${still} waited for it and is still there: \`/choo cancel ${ALL}\` cancels it, too`]),
  );
}
