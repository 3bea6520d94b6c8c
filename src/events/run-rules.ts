import type { EventBody, EventType } from './event.ts';
import type { Failure } from './failure.ts';

/** The state of a unit in a run. All but the first two are final, until a retry. */
export type UnitState =
  | 'pending'
  | 'running'
  | 'complete'
  | 'skipped' // left out: counts as complete for its dependents
  | 'failed'
  | 'blocked'
  | 'cancelled';

/** The status of a run. `interrupted`: it stopped before its end, and can be resumed. */
export type RunStatus = 'running' | 'interrupted' | 'complete' | 'failed' | 'cancelled';

/** Statuses of an ended run; only a retry continues it. */
export const ENDED: ReadonlySet<string> = new Set<RunStatus>(['complete', 'failed', 'cancelled']);

const UNIT_STATE_AFTER: Readonly<Partial<Record<EventType, UnitState>>> = {
  'unit.queued': 'pending',
  'unit.retried': 'pending',
  'unit.released': 'pending',
  'unit.started': 'running',
  'unit.satisfied': 'complete',
  'unit.completed': 'complete',
  'unit.failed': 'failed',
  'unit.blocked': 'blocked',
  'unit.cancelled': 'cancelled',
  'unit.skipped': 'skipped',
};

const RUN_STATUS_AFTER: Readonly<Partial<Record<EventType, RunStatus>>> = {
  'orch.started': 'running',
  'orch.resumed': 'running',
  'orch.interrupted': 'interrupted',
  'orch.completed': 'complete',
  'orch.failed': 'failed',
  'orch.cancelled': 'cancelled',
};

/** The state of a unit after one of its events; undefined: unchanged. */
export function unitStateAfter({ type }: { readonly type: EventType }): UnitState | undefined {
  return UNIT_STATE_AFTER[type];
}

/** The status of a run after one of its events, or of its units', given the status before. */
export function runStatusAfter<Before extends string>(event: EventBody, before: Before): Before | RunStatus {
  if (event.type === 'unit.retried') return ENDED.has(before) ? 'running' : before;
  return RUN_STATUS_AFTER[event.type] ?? before;
}

/** Whether only a person can see to a failure. */
export function needsHuman(failure: Failure | null): boolean {
  return failure === 'needs-human' || failure === 'judge-changed';
}
