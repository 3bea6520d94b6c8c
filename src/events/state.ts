import type { EventBody, RunEvent } from './event.ts';
import { advanceUnit, newUnit, type UnitProgress } from './unit-progress.ts';

/** A run, as its events tell it. */
export interface RunState {
  readonly start: Extract<EventBody, { type: 'orch.started' }>;
  readonly status: 'running' | 'interrupted' | 'complete' | 'failed';
  readonly units: ReadonlyMap<string, UnitProgress>;
  readonly unmerged: readonly { readonly unit: string; readonly files: readonly string[] }[];
  /** Head of the integration branch, once it ended. */
  readonly head: string | null;
  readonly branch: string | null;
  /** The number of the last event. */
  readonly seq: number;
  readonly startedAt: number;
  readonly lastAt: number;
}

/** The run that these events tell of; undefined where the first is not the start of one. Linear. */
export function foldEvents(events: Iterable<RunEvent>): RunState | undefined {
  let state: RunState | undefined;
  for (const event of events) state = advance(state, event);
  return state;
}

/**
 * The state after one more event. The maps of the state before are used on, not copied, so that a run of any size costs
 * the same for each event: whoever keeps an old state must not look into them.
 */
export function advance(state: RunState | undefined, event: RunEvent): RunState | undefined {
  if (event.type === 'orch.started') return begin(event);
  if (state === undefined) return undefined;
  const next = { ...state, seq: event.seq, lastAt: event.at };
  if ('unit' in event) {
    const before = state.units.get(event.unit);
    if (before !== undefined)
      (state.units as Map<string, UnitProgress>).set(event.unit, advanceUnit(before, event));
    return next;
  }
  switch (event.type) {
    case 'orch.resumed':
      return { ...next, start: { ...state.start, ...orderOf(event) }, status: 'running' };
    case 'orch.interrupted':
      return { ...next, status: 'interrupted' };
    case 'orch.completed':
      return { ...next, status: 'complete', branch: event.branch, head: event.head };
    case 'orch.failed':
      return { ...next, status: 'failed', branch: event.branch, head: event.head, unmerged: event.unmerged };
    default:
      return event satisfies never;
  }
}

type Started = Extract<RunEvent, { type: 'orch.started' }>;

function orderOf({ sandbox, parallelism, limits }: Extract<RunEvent, { type: 'orch.resumed' }>) {
  return { sandbox, parallelism, limits };
}

function begin(event: Started): RunState {
  const { seq, at, ...start } = event;
  return {
    start,
    status: 'running',
    units: new Map(start.units.map((plan) => [plan.id, newUnit(plan)])),
    unmerged: [],
    head: null,
    branch: null,
    seq,
    startedAt: at,
    lastAt: at,
  };
}
