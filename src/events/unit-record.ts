import type { EventBody, RunEvent } from './event.ts';
import type { UnitRecord } from './store.ts';
import type { UnitUpdate } from './unit-update.ts';

/** The first event of a run. */
export type OrchStarted = Extract<EventBody, { type: 'orch.started' }>;

const RECORD_EVENTS = [
  'unit.started',
  'task.committed',
  'baseline.committed',
  'branch.pushed',
  'unit.completed',
  'unit.updated',
  'unit.failed',
  'unit.retried',
] as const;
type RecordEvent = Extract<RunEvent, { type: (typeof RECORD_EVENTS)[number] }>;

/** Whether an event can change its unit's record. Most cannot, and the record need not be read. */
export function affectsRecord<Event extends EventBody>(
  event: Event,
): event is Extract<Event, { type: (typeof RECORD_EVENTS)[number] }> {
  return RECORD_EVENTS.some((type) => type === event.type);
}

/**
 * The record of a unit after one more of its events, in the run that `start` began. Every store uses this rule. Returns
 * `before` itself when the event changes nothing.
 */
export function projectRecord(
  before: UnitRecord | undefined,
  start: OrchStarted,
  event: RunEvent,
): UnitRecord | undefined {
  if (!affectsRecord(event)) return before;
  const planned = start.units.find(({ id }) => id === event.unit);
  // A unit that is complete in the specs gets no new record.
  if (planned === undefined || planned.tasks.every(({ complete }) => complete)) return before;
  if (start.update !== null) return before && applyUpdate(before, start.update, event);
  if (event.type === 'unit.started') return begin(before, start, planned.key, event);
  return before === undefined ? undefined : applyEvent(before, event);
}

/**
 * An update run moves the work to its new place, or adds to it, and judges its head; run, key, tasks and outcome stay those of
 * the run that did the work. A head that anyone else pushed is the unit's once it is verified.
 */
function applyUpdate(before: UnitRecord, { onto, work }: UnitUpdate, event: RecordEvent): UnitRecord {
  if (event.type === 'unit.updated') {
    const { to } = event;
    const verified = before.verified && before.head === to;
    const builtOn = onto?.builtOn ?? before.builtOn;
    return { ...before, base: event.onto, builtOn, head: to, committed: to, verified };
  }
  if (event.type === 'unit.completed')
    return { ...before, head: event.head, committed: event.head, verified: event.verified };
  if (event.type === 'branch.pushed') return { ...pushed(before, event.head), committed: event.head };
  // What an agent made is not pushed unless its gates pass: the head is not judged by them.
  if (work !== null) return before;
  const isRed = event.type === 'unit.failed' && event.failure === 'verify' && event.head === before.head;
  return isRed && before.verified ? { ...before, verified: false } : before;
}

function applyEvent(before: UnitRecord, event: Exclude<RecordEvent, { type: 'unit.started' }>): UnitRecord {
  // Only an update run changes the record by these.
  if (event.type === 'unit.updated' || event.type === 'unit.failed') return before;
  if (event.type === 'task.committed') {
    const tasks = [...new Set([...before.tasks, event.task])].sort((a, b) => a - b);
    return { ...before, tasks, committed: event.commit, verified: false };
  }
  if (event.type === 'baseline.committed') return { ...before, committed: event.commit, verified: false };
  // A retry verifies it again.
  if (event.type === 'unit.retried') {
    const { from } = event;
    const tasks = from === null ? before.tasks : before.tasks.filter((task) => task < from);
    const { outcome, ...rest } = before;
    const isMerged = outcome === 'merged' || outcome === 'reverted';
    return isMerged ? before : { ...rest, tasks, verified: false };
  }
  if (event.type === 'branch.pushed') return pushed(before, event.head);
  return { ...before, head: event.head, committed: event.head, verified: event.verified };
}

/** Only the head that passed is verified. */
function pushed(before: UnitRecord, head: string): UnitRecord {
  return { ...before, head, verified: before.verified && before.head === head };
}

function begin(
  before: UnitRecord | undefined,
  { target, directory, run }: OrchStarted,
  key: string,
  { unit, branch, base, builtOn, pushed, head, tasks }: Extract<RunEvent, { type: 'unit.started' }>,
): UnitRecord {
  // It stays verified only if its branch did not move.
  const verified = before?.verified === true && before.key === key && before.head === head && pushed === head;
  const where = directory === '' ? { target } : { target, directory };
  return { ...where, unit, run, key, branch, base, builtOn, head: pushed, committed: head, tasks, verified };
}
