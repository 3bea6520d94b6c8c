import type { EventBody, EventType } from './event.ts';

/** Where a unit stands in a run. All but the first two are final, until somebody asks for a retry. */
export type UnitState =
  | 'pending'
  | 'running'
  | 'complete'
  | 'skipped' // left out: as good as complete for what depends on it
  | 'failed'
  | 'blocked'
  | 'cancelled';

/** Where a run stands. `interrupted`: it stopped before its end, and can go on. */
export type RunStatus = 'running' | 'interrupted' | 'complete' | 'failed' | 'cancelled';

/** A run in one of these goes on only when somebody asks for more. */
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

/** Where a unit stands after an event of it; undefined: where it stood before. */
export function unitStateAfter({ type }: { readonly type: EventType }): UnitState | undefined {
  return UNIT_STATE_AFTER[type];
}

/** Where a run stands after an event of it, or of one of its units, that found it at `before`. */
export function runStatusAfter<Before extends string>(event: EventBody, before: Before): Before | RunStatus {
  if (event.type === 'unit.retried') return ENDED.has(before) ? 'running' : before;
  return RUN_STATUS_AFTER[event.type] ?? before;
}
