import type { RunState } from '../../events/state.ts';
import { code } from '../../github/render/markdown.ts';
import { statusWords } from '../../github/render/run-words.ts';
import { CANCEL_BUTTON, PLAN_CHECK, planCheckKey, RUN_CHECK, runExternalId } from '../repository/checks.ts';
import type { OpenRepository } from '../repository/open-repository.ts';

/** Shows the progress of a run without a thread in the check of its plan. */
export async function publishPlanCheck(
  { checks }: OpenRepository,
  state: RunState,
  body: string,
): Promise<void> {
  const { commit } = state.start;
  const conclusion =
    state.status === 'complete'
      ? 'success'
      : state.status === 'failed'
        ? 'failure'
        : hasEnded(state)
          ? 'cancelled'
          : null;
  await checks.upsert(planCheckKey(commit), {
    name: PLAN_CHECK,
    sha: commit,
    externalId: 'plan',
    conclusion,
    title: `Run ${state.start.run} ${statusWords(state)}`,
    summary: body,
  });
}

/**
 * Writes the check of a run without a thread. GitHub shows buttons on completed checks only, and the plan's check is in
 * progress as long as the run: so this one is completed from the start, as neutral.
 */
export async function publishRunCheck({ checks }: OpenRepository, state: RunState): Promise<void> {
  const { run, commit } = state.start;
  const ended = hasEnded(state);
  const externalId = runExternalId(run);
  await checks.upsert(`check:${commit}:${externalId}`, {
    name: RUN_CHECK,
    sha: commit,
    externalId,
    conclusion: 'neutral',
    title: ended ? `Run ${run} has ended` : `Run ${run} is under way`,
    summary: ended
      ? `The check ${code(PLAN_CHECK)} shows its results.`
      : `The button cancels the run, and so does the comment ${code(`/choo cancel ${run}`)} on any issue or pull request. The check ${code(PLAN_CHECK)} shows its progress.`,
    actions: ended ? [] : [CANCEL_BUTTON],
  });
}

/** Whether a run has ended. */
export function hasEnded({ status }: RunState): boolean {
  return status !== 'running' && status !== 'interrupted';
}
