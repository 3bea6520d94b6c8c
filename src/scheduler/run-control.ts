import { ChooError } from '../errors.ts';
import type { EventBody } from '../events/event.ts';
import { ENDED, type RunStatus, type UnitState } from '../events/run-rules.ts';
import { nearest } from '../text/nearest.ts';
import type { Graph } from './graph.ts';

/** The states of units that did not complete and will not without a retry. */
export const STUCK_STATES = ['failed', 'blocked', 'cancelled'] as const;
const STUCK: ReadonlySet<string> = new Set(STUCK_STATES);
/** The states of units that may still complete, blocked ones after a retry of their cause. */
const OPEN: ReadonlySet<string> = new Set(['waiting', 'queued', 'pending', 'running', 'blocked']);

/** A run as a request finds it. */
export interface ControlView {
  readonly run: string;
  readonly status: RunStatus | 'waiting';
  readonly graph: Graph;
  /** A unit without an entry is pending. */
  readonly units: ReadonlyMap<string, UnitState | 'waiting' | 'queued'>;
}

/** The actor and the units of a request. */
export interface ControlRequest {
  /** Empty for the whole run. */
  readonly units: readonly string[];
  readonly actor: string;
}

/** The options of a retry. */
export interface RetryRequest extends ControlRequest {
  /** Whether units start over, whatever their branches contain. */
  readonly fresh: boolean;
  /** The number of the first task to redo; null for only those that are not complete. */
  readonly from: number | null;
}

/** The change of a run by a request. */
export interface RunChange {
  readonly kind: 'change';
  /** The affected units. */
  readonly units: readonly string[];
  /** To be appended, in this order. */
  readonly events: readonly EventBody[];
  /** The units whose work stops. */
  readonly stops: readonly string[];
  /** Whether the run had ended and resumes: `orch.resumed` comes before the events. */
  readonly reopens: boolean;
}

/** Why a request is refused. `usage`: it names an unknown unit. `conflict`: the state of the run or unit does not allow it. */
interface Refusal {
  readonly kind: 'refused';
  readonly code: 'usage' | 'conflict';
  readonly message: string;
  readonly hint: string | undefined;
}

export type Decision = RunChange | Refusal;

/** Cancels a run or units of it: nothing of them starts any more, and running work stops. Pure. */
export function cancelEvents(view: ControlView, { units, actor }: ControlRequest): Decision {
  const isWhole = units.length === 0;
  if (isWhole && ENDED.has(view.status))
    return refuse('conflict', `run ${view.run} has ended already: ${view.status}`);
  const unknown = findUnknownUnit(view, units);
  if (unknown !== undefined) return unknown;
  const ended = units.find((id) => !OPEN.has(stateOf(view, id)));
  if (ended !== undefined) return wrongState(view, ended, 'only units that have not ended can be cancelled');
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

/** Skips units: their dependents go on without them. At least one must be named. Pure. */
export function skipEvents(view: ControlView, { units, actor }: ControlRequest): Decision {
  if (units.length === 0) return refuse('usage', 'name a unit to skip');
  const unknown = findUnknownUnit(view, units);
  if (unknown !== undefined) return unknown;
  const done = units.find((id) => ['complete', 'skipped'].includes(stateOf(view, id)));
  if (done !== undefined) return wrongState(view, done, 'only units that are not complete can be skipped');
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
 * Retries what did not complete: a whole run, or units and what they blocked. Resets their attempts, and queues complete
 * dependents of redone work again. Pure.
 */
export function retryEvents(view: ControlView, { units, actor, fresh, from }: RetryRequest): Decision {
  const unknown = findUnknownUnit(view, units);
  if (unknown !== undefined) return unknown;
  const isWhole = units.length === 0;
  const again = fresh || from !== null;
  const fits = (id: string): boolean => {
    const state = stateOf(view, id);
    return STUCK.has(state) || (!isWhole && (state === 'skipped' || (again && state === 'complete')));
  };
  const unfit = units.find((id) => !fits(id));
  if (unfit !== undefined) {
    const hint = 'only units that have ended can be retried; `--fresh` redoes complete ones';
    return wrongState(view, unfit, hint);
  }
  const retried = chosen(view, units).filter(fits);
  if (retried.length === 0) return refuse('conflict', `run ${view.run} has nothing to retry`);
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

/** Returns the change of a decision. Throws a ChooError (`usage`, `conflict`) for a refusal. */
export function changeOf(decision: Decision): RunChange {
  if (decision.kind === 'change') return decision;
  const { code, message, hint } = decision;
  throw new ChooError(code, message, hint === undefined ? {} : { hint });
}

/** Queues the units that these blocked; the scheduler decides whether others still block them. */
function unblocked(view: ControlView, units: readonly string[]): readonly EventBody[] {
  return descendants(view, units)
    .filter((id) => stateOf(view, id) === 'blocked')
    .map((unit) => ({ type: 'unit.queued', unit }));
}

/** All dependents of units, without the units themselves. */
function descendants({ graph }: ControlView, units: readonly string[]): readonly string[] {
  const found = new Set(units.flatMap((id) => [...graph.descendantsOf(id)]));
  return [...found].filter((id) => !units.includes(id));
}

/** The requested units, each once and in the order of the graph. */
function chosen({ graph }: ControlView, units: readonly string[]): readonly string[] {
  return units.length === 0 ? graph.ids : graph.ids.filter((id) => units.includes(id));
}

function findUnknownUnit({ run, graph }: ControlView, units: readonly string[]): Refusal | undefined {
  const unknown = units.find((id) => !graph.has(id));
  if (unknown === undefined) return undefined;
  const close = nearest(unknown, graph.ids);
  const hint =
    close === undefined ? `it has ${graph.ids.slice(0, 10).join(', ')}` : `did you mean \`${close}\`?`;
  return refuse('usage', `run ${run} has no unit \`${unknown}\``, hint);
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
