import type { EventBody, RunEvent } from './event.ts';
import { type RunStatus, runStatusAfter } from './run-rules.ts';
import { advanceUnit, newUnit, type UnitProgress } from './unit-progress.ts';

/** The state of a run, folded from its events. */
export interface RunState {
  readonly start: Extract<EventBody, { type: 'orch.started' }>;
  readonly status: RunStatus;
  /** The current target; the start has the first one. */
  readonly target: string;
  readonly units: ReadonlyMap<string, UnitProgress>;
  readonly unmerged: readonly { readonly unit: string; readonly files: readonly string[] }[];
  /** Head of the integration branch, once the run has ended. */
  readonly head: string | null;
  readonly branch: string | null;
  /** The number of the last event. */
  readonly seq: number;
  readonly startedAt: number;
  readonly lastAt: number;
}

/** Folds events into the state of their run; undefined when the first event is not the start of a run. Linear. */
export function foldEvents(events: Iterable<RunEvent>): RunState | undefined {
  let state: RunState | undefined;
  for (const event of events) state = advance(state, event);
  return state;
}

/**
 * The state after one more event. It reuses and changes the maps of the old state, so that the cost of an event does not
 * depend on the size of the run: a caller that keeps an old state must not read its maps.
 */
export function advance(state: RunState | undefined, event: RunEvent): RunState | undefined {
  if (event.type === 'orch.started') return begin(event);
  if (state === undefined) return undefined;
  const next = { ...state, seq: event.seq, lastAt: event.at };
  const status = runStatusAfter(event, state.status);
  if ('unit' in event) {
    const before = state.units.get(event.unit);
    if (before === undefined) return next;
    (state.units as Map<string, UnitProgress>).set(event.unit, advanceUnit(before, event));
    return status === state.status ? next : { ...next, ...NO_RESULT, status };
  }
  switch (event.type) {
    case 'orch.resumed':
      return { ...next, ...NO_RESULT, status, start: { ...state.start, ...optionsOf(event) } };
    case 'orch.interrupted':
    case 'orch.cancelled':
      return { ...next, status };
    case 'orch.retargeted':
      return { ...next, target: event.target };
    case 'orch.completed':
      return { ...next, status, branch: event.branch, head: event.head };
    case 'orch.failed':
      return { ...next, status, branch: event.branch, head: event.head, unmerged: event.unmerged };
    default:
      return event satisfies never;
  }
}

/** Clears the result of a run that continues after its end. */
const NO_RESULT = { branch: null, head: null, unmerged: [] } as const;

type Started = Extract<RunEvent, { type: 'orch.started' }>;

function optionsOf({ sandbox, parallelism, limits }: Extract<RunEvent, { type: 'orch.resumed' }>) {
  return { sandbox, parallelism, limits };
}

function begin(event: Started): RunState {
  const { seq, at, ...start } = event;
  return {
    start,
    status: 'running',
    target: start.target,
    units: new Map(start.units.map((plan) => [plan.id, newUnit(plan)])),
    unmerged: [],
    head: null,
    branch: null,
    seq,
    startedAt: at,
    lastAt: at,
  };
}
