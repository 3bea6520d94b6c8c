import type { UnitState } from '../../../events/run-rules.ts';
import type { RunState } from '../../../events/state.ts';
import type { Activity, UnitProgress } from '../../../events/unit-progress.ts';
import { formatDuration } from '../../../text/amounts.ts';
import { html, type Markup } from '../markup.ts';

/** The words for the state of a unit, as in the status comment. */
export const UNIT_STATE: Readonly<Record<UnitState, string>> = {
  pending: 'waiting',
  running: 'running',
  complete: 'complete',
  failed: 'failed',
  blocked: 'blocked',
  cancelled: 'cancelled',
  skipped: 'skipped',
};

/** Signs that tell states apart without colours. */
export const SIGN: Readonly<Record<UnitState, string>> = {
  pending: '·',
  running: '▸',
  complete: '✓',
  failed: '✗',
  blocked: '⊘',
  cancelled: '×',
  skipped: '»',
};

/** How a run stands. `stopped`: its events leave it open, and no process goes on with it. */
export type ShownStatus = RunState['status'] | 'stopped';

export const RUN_STATUS: Readonly<Record<ShownStatus, string>> = {
  running: 'under way',
  interrupted: 'interrupted',
  complete: 'complete',
  failed: 'has failed units',
  cancelled: 'cancelled',
  stopped: 'stopped: no process works on it',
};

const ACTIVITY: Readonly<Record<Activity, string>> = {
  setup: 'set-up',
  gate: 'gate',
  agent: 'agent',
  waiting: 'waits for its provider',
  baseline: 'baseline checks',
  verify: 'verify',
  git: 'git',
};

/** What a unit is busy with, in a few words; empty: with nothing. */
export function activityOf({ state, activity, task, attempt }: UnitProgress): string {
  if (state !== 'running' || activity === null) return '';
  const of = task === null ? '' : `, task ${task}${attempt > 1 ? `, attempt ${attempt}` : ''}`;
  return `${ACTIVITY[activity]}${of}`;
}

/** A point in time, exact on hover. Milliseconds since 1970. */
export function timeOf(at: number): Markup {
  const exact = new Date(at).toISOString();
  return html`<time datetime="${exact}" title="${exact}">${exact.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

/** The time of a day, exact on hover. Milliseconds since 1970. */
export function clockOf(at: number): Markup {
  const exact = new Date(at).toISOString();
  return html`<time datetime="${exact}" title="${exact}">${exact.slice(11, 19)}</time>`;
}

/** A length of time, with its ends on hover. Milliseconds. */
export function durationOf(from: number, to: number): Markup {
  const title = `${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
  return html`<span title="${title}">${formatDuration(to - from)}</span>`;
}

/** Attempts of a unit that count, at its tasks and at its baseline checks. */
export function attemptsOf({ tasks, repairs }: UnitProgress): number {
  return [...tasks.values()].reduce((sum, { attempts }) => sum + attempts, repairs);
}

/** Tasks of a unit that are complete. */
export function tasksDone({ tasks }: UnitProgress): number {
  return [...tasks.values()].filter(({ state }) => state === 'complete').length;
}
