/** The name of a plan's check; it is found by this name. */
export const PLAN_CHECK = 'choo / plan';

/** The button on a plan's check. */
export const RUN_BUTTON = {
  label: 'Run this plan',
  description: 'Carry out the unfinished units',
  identifier: 'run',
};

/** The check of a run without a thread, and its button. */
export const RUN_CHECK = 'choo / run';
export const CANCEL_BUTTON = {
  label: 'Cancel this run',
  description: 'Stop its agents; commits stay',
  identifier: 'cancel',
};

/** The key of the post of a plan's check. */
export function planCheckKey(commit: string): string {
  return `check:${commit}:plan`;
}

/** The external id of a unit's check on GitHub. Unambiguous: a branch may contain slashes, a unit's id none. */
export function unitExternalId(target: string, unit: string): string {
  return `unit/${target}/${unit}`;
}

/** The external id of the check of a run without a thread. */
export function runExternalId(run: string): string {
  return `run/${run}`;
}
