import type { EventBody, RunEvent } from '../events/event.ts';
import type { UnitRecord } from './store.ts';

/** The first event of a run. */
export type OrchStarted = Extract<EventBody, { type: 'orch.started' }>;

const TEACHING = [
  'unit.started',
  'task.committed',
  'baseline.committed',
  'branch.pushed',
  'unit.completed',
] as const;
type TeachingEvent = Extract<RunEvent, { type: (typeof TEACHING)[number] }>;

/** Whether an event can change what is known of its unit. Most cannot, and need no record to be read. */
export function teaches(event: RunEvent): event is TeachingEvent {
  return TEACHING.some((type) => type === event.type);
}

/**
 * What is known of a unit after one more event of it, in the run that `start` began. The one rule that every store
 * follows. An event that teaches nothing gives back `before` itself.
 */
export function projectRecord(
  before: UnitRecord | undefined,
  start: OrchStarted,
  event: RunEvent,
): UnitRecord | undefined {
  if (!teaches(event)) return before;
  if (event.type === 'unit.started') return begin(before, start, event);
  return before === undefined ? undefined : learn(before, event);
}

function learn(before: UnitRecord, event: Exclude<TeachingEvent, { type: 'unit.started' }>): UnitRecord {
  if (event.type === 'task.committed') {
    const tasks = [...new Set([...before.tasks, event.task])].sort((a, b) => a - b);
    return { ...before, tasks, committed: event.commit, verified: false };
  }
  if (event.type === 'baseline.committed') return { ...before, committed: event.commit, verified: false };
  // Only the head that passed is verified.
  if (event.type === 'branch.pushed')
    return { ...before, head: event.head, verified: before.verified && before.head === event.head };
  return { ...before, head: event.head, committed: event.head, verified: event.verified };
}

function begin(
  before: UnitRecord | undefined,
  start: OrchStarted,
  event: Extract<RunEvent, { type: 'unit.started' }>,
): UnitRecord | undefined {
  const key = start.units.find((unit) => unit.id === event.unit)?.key;
  if (key === undefined) return before;
  const sameWork = before?.key === key;
  return {
    target: start.target,
    unit: event.unit,
    run: start.run,
    key,
    branch: event.branch,
    base: event.base,
    // The branch itself moves with `branch.pushed` alone.
    head: before?.head ?? event.head,
    committed: event.head,
    tasks: sameWork ? before.tasks : [],
    verified: sameWork && before.verified && before.head === event.head,
  };
}
