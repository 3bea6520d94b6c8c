import { ChooError } from '../errors.ts';
import type { EventBody } from '../events/event.ts';
import { ENDED, type RunStatus, type UnitState } from '../events/run-rules.ts';
import { nearest } from '../text/nearest.ts';
import type { Graph } from './graph.ts';

/** Units in one of these did not complete, and will not by themselves. */
export const STUCK_STATES = ['failed', 'blocked', 'cancelled'] as const;
const STUCK: ReadonlySet<string> = new Set(STUCK_STATES);
/** Units that may still complete by themselves, or once what blocks them has. */
const OPEN: ReadonlySet<string> = new Set(['waiting', 'queued', 'pending', 'running', 'blocked']);

/** A run as a request finds it, in the words of its engine. */
export interface ControlView {
  readonly run: string;
  readonly status: RunStatus | 'waiting';
  readonly graph: Graph;
  /** A unit without an entry is pending. */
  readonly units: ReadonlyMap<string, UnitState | 'waiting' | 'queued'>;
}

/** Who asks, and for which units. */
export interface ControlRequest {
  /** None: the whole run. */
  readonly units: readonly string[];
  readonly actor: string;
}

/** How the units of a retry begin. */
export interface RetryRequest extends ControlRequest {
  /** They start over, whatever their branches hold. */
  readonly fresh: boolean;
  /** Their tasks are done again from this number on; null: only those that are not complete. */
  readonly from: number | null;
}

/** What a request changes in a run. */
export interface RunChange {
  readonly kind: 'change';
  /** The units that the request is about. */
  readonly units: readonly string[];
  /** To be appended, in this order. */
  readonly events: readonly EventBody[];
  /** Work on these stops. */
  readonly stops: readonly string[];
  /** The run had ended and goes on: `orch.resumed` comes before the events. */
  readonly reopens: boolean;
}

/** Why a request cannot be met. `usage`: it names what is not there. `conflict`: the run or unit is not in a state for it. */
interface Refusal {
  readonly kind: 'refused';
  readonly code: 'usage' | 'conflict';
  readonly message: string;
  readonly hint: string | undefined;
}

export type Decision = RunChange | Refusal;

/** Ends a run, or units of it: nothing of them starts any more, and what runs stops. Pure. */
export function cancelEvents(view: ControlView, { units, actor }: ControlRequest): Decision {
  const isWhole = units.length === 0;
  if (isWhole && ENDED.has(view.status))
    return refuse('conflict', `run ${view.run} has ended already: ${view.status}`);
  const stranger = findStranger(view, units);
  if (stranger !== undefined) return stranger;
  const ended = units.find((id) => !OPEN.has(stateOf(view, id)));
  if (ended !== undefined) return wrongState(view, ended, 'only what has not ended can be cancelled');
  const open = chosen(view, units).filter((id) => OPEN.has(stateOf(view, id)));
  return {
    kind: 'change',
    units: open,
    events: [
      ...open.map((unit): EventBody => ({ type: 'unit.cancelled', unit, actor })),
      ...(isWhole ? [{ type: 'orch.cancelled' as const, actor }] : []),
    ],
    stops: open,
    reopens: false,
  };
}

/** Leaves units out of a run: what depends on them goes on without them. At least one must be named. Pure. */
export function skipEvents(view: ControlView, { units, actor }: ControlRequest): Decision {
  if (units.length === 0) return refuse('usage', 'name the unit that is to be left out');
  const stranger = findStranger(view, units);
  if (stranger !== undefined) return stranger;
  const done = units.find((id) => ['complete', 'skipped'].includes(stateOf(view, id)));
  if (done !== undefined) return wrongState(view, done, 'it is not in the way');
  const skipped = chosen(view, units);
  return {
    kind: 'change',
    units: skipped,
    events: [
      ...skipped.map((unit): EventBody => ({ type: 'unit.skipped', unit, actor })),
      ...unblocked(view, skipped),
    ],
    stops: skipped,
    reopens: ENDED.has(view.status),
  };
}

/**
 * Tries what did not complete once more: a whole run, or units and what they blocked. Attempts start at none again; what
 * was built on work that is done again is looked at again. Pure.
 */
export function retryEvents(view: ControlView, { units, actor, fresh, from }: RetryRequest): Decision {
  const stranger = findStranger(view, units);
  if (stranger !== undefined) return stranger;
  const isWhole = units.length === 0;
  const again = fresh || from !== null;
  const fits = (id: string): boolean => {
    const state = stateOf(view, id);
    return STUCK.has(state) || (!isWhole && (state === 'skipped' || (again && state === 'complete')));
  };
  const unfit = units.find((id) => !fits(id));
  if (unfit !== undefined) {
    const hint = 'only what has ended can have another turn; `--fresh` redoes what is complete';
    return wrongState(view, unfit, hint);
  }
  const retried = chosen(view, units).filter(fits);
  if (retried.length === 0) return refuse('conflict', `nothing in run ${view.run} needs another turn`);
  const rebuilt = again ? descendants(view, retried).filter((id) => stateOf(view, id) === 'complete') : [];
  return {
    kind: 'change',
    units: retried,
    events: [
      ...retried.map((unit): EventBody =>
        isWhole && stateOf(view, unit) === 'blocked'
          ? { type: 'unit.queued', unit }
          : { type: 'unit.retried', unit, actor, fresh, from },
      ),
      ...unblocked(view, retried),
      ...rebuilt.map((unit): EventBody => ({ type: 'unit.queued', unit })),
    ],
    stops: [],
    reopens: ENDED.has(view.status),
  };
}

/** The change that a decision makes. Throws a ChooError (`usage`, `conflict`) for a refusal. */
export function changeOf(decision: Decision): RunChange {
  if (decision.kind === 'change') return decision;
  const { code, message, hint } = decision;
  throw new ChooError(code, message, hint === undefined ? {} : { hint });
}

/** Units that these blocked wait again; the scheduler says whether others block them still. */
function unblocked(view: ControlView, units: readonly string[]): readonly EventBody[] {
  return descendants(view, units)
    .filter((id) => stateOf(view, id) === 'blocked')
    .map((unit) => ({ type: 'unit.queued', unit }));
}

/** What depends on units, without the units themselves. */
function descendants({ graph }: ControlView, units: readonly string[]): readonly string[] {
  const found = new Set(units.flatMap((id) => [...graph.descendantsOf(id)]));
  return [...found].filter((id) => !units.includes(id));
}

/** The units that are meant, each once and in the order of the graph. */
function chosen({ graph }: ControlView, units: readonly string[]): readonly string[] {
  return units.length === 0 ? graph.ids : graph.ids.filter((id) => units.includes(id));
}

function findStranger({ run, graph }: ControlView, units: readonly string[]): Refusal | undefined {
  const stranger = units.find((id) => !graph.has(id));
  if (stranger === undefined) return undefined;
  const close = nearest(stranger, graph.ids);
  const hint =
    close === undefined ? `it has ${graph.ids.slice(0, 10).join(', ')}` : `did you mean \`${close}\`?`;
  return refuse('usage', `run ${run} has no unit \`${stranger}\``, hint);
}

function stateOf({ units }: ControlView, id: string): string {
  return units.get(id) ?? 'pending';
}

function wrongState(view: ControlView, unit: string, hint: string): Refusal {
  return refuse('conflict', `unit \`${unit}\` of run ${view.run} is ${stateOf(view, unit)}`, hint);
}

function refuse(code: Refusal['code'], message: string, hint?: string): Refusal {
  return { kind: 'refused', code, message, hint };
}
