/** What the check of a plan is called, and what it is found by. */
export const PLAN_CHECK = 'choo / plan';

/** The button on a plan's check. */
export const RUN_BUTTON = {
  label: 'Run this plan',
  description: 'Carry out the unfinished units',
  identifier: 'run',
};

/** The check of a run that has no thread, and its button. */
export const RUN_CHECK = 'choo / run';
export const CANCEL_BUTTON = {
  label: 'Cancel this run',
  description: 'Stop its agents; commits stay',
  identifier: 'cancel',
};

/** What the check of a plan is remembered by. */
export function planCheckKey(commit: string): string {
  return `check:${commit}:plan`;
}

/** What the check of a unit is found by on GitHub. A branch may have slashes, a unit has none. */
export function unitExternalId(target: string, unit: string): string {
  return `unit/${target}/${unit}`;
}

/** What the check of a run that has no thread is found by. */
export function runExternalId(run: string): string {
  return `run/${run}`;
}
