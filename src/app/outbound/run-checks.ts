import type { RunState } from '../../events/state.ts';
import { code } from '../../github/render/markdown.ts';
import { CANCEL_BUTTON, PLAN_CHECK, planCheckKey, RUN_CHECK, runExternalId } from '../repository/checks.ts';
import type { OpenRepository } from '../repository/open-repository.ts';

/** Writes how a run without a thread goes into the check of its plan. */
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
    title: `Run ${state.start.run}: ${state.status}`,
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
      ? `How it went is in the check ${code(PLAN_CHECK)}.`
      : `The button cancels it, and so does ${code(`/choo cancel ${run}`)} on any issue or pull request. How far it is stands in the check ${code(PLAN_CHECK)}.`,
    actions: ended ? [] : [CANCEL_BUTTON],
  });
}

/** Whether nothing of a run goes on by itself. */
export function hasEnded({ status }: RunState): boolean {
  return status !== 'running' && status !== 'interrupted';
}
