import type { EventBody } from '../events/event.ts';
import type { UnitState } from '../events/run-rules.ts';
import { compareText } from '../problems/problem.ts';
import type { Graph } from './graph.ts';

/** A run at one moment: the graph of its units and their states. A unit without an entry is pending. */
export interface SchedulerState {
  readonly graph: Graph;
  readonly units: ReadonlyMap<string, UnitState>;
}

export interface SchedulerLimits {
  /** The most units of the run that may run at once. 0 starts nothing. */
  readonly parallelism: number;
  /** Units that must not start yet, although their dependencies are complete; they count as waiting. */
  readonly paused?: ReadonlySet<string>;
}

/**
 * What to do now. `cause` is the unit that failed, not one in between; a unit still blocked after its cause was retried is
 * its own cause.
 */
export type Action =
  | { readonly type: 'block'; readonly unit: string; readonly cause: string }
  | { readonly type: 'start'; readonly unit: string }
  | { readonly type: 'finish'; readonly outcome: 'complete' | 'incomplete' };

/**
 * Decides, alone, what a run does next. Pure: the same state and limits give the same actions, whatever the order of the
 * events. First units to block, by id; then units to start, by longest remaining path and then id; `finish` once nothing
 * runs and nothing can start any more. Costs O(V log V + E), more only with cycles.
 *
 * The actions assume nothing about their success: perform them, apply the events, call again.
 */
export function decide(state: SchedulerState, limits: SchedulerLimits): readonly Action[] {
  const { graph, units } = state;
  const stateOf = (id: string): UnitState => units.get(id) ?? 'pending';
  const causes = findCauses(graph, stateOf);

  const blocked: Action[] = [];
  const ready: string[] = [];
  let running = 0;
  let waiting = 0;
  let incomplete = false;
  for (const id of graph.ids) {
    const unit = stateOf(id);
    const cause = causes.get(id);
    if (unit === 'running') running += 1;
    if (!isDone(unit)) incomplete ||= unit !== 'pending' || cause !== undefined;
    if (unit !== 'pending') continue;
    if (cause !== undefined) blocked.push({ type: 'block', unit: id, cause });
    else if (
      limits.paused?.has(id) !== true &&
      graph.dependenciesOf(id).every((dependency) => isDone(stateOf(dependency)))
    )
      ready.push(id);
    else waiting += 1;
  }
  if (running + waiting + ready.length === 0) {
    return [...blocked, { type: 'finish', outcome: incomplete ? 'incomplete' : 'complete' }];
  }
  const starts = ready
    .sort((a, b) => graph.remainingWeight(b) - graph.remainingWeight(a) || compareText(a, b))
    .slice(0, Math.max(0, limits.parallelism - running))
    .map((unit): Action => ({ type: 'start', unit }));
  return [...blocked, ...starts];
}

/** A decision, as both engines perform it. */
export interface Steps {
  /** Events to append, in this order. */
  readonly events: readonly EventBody[];
  /** Units to start, in this order. */
  readonly starts: readonly string[];
  /** How the run ends; undefined while it continues. */
  readonly outcome: 'complete' | 'incomplete' | undefined;
}

/** Converts a decision to steps. Pure. */
export function stepsOf(actions: readonly Action[]): Steps {
  return {
    events: actions.flatMap((action): EventBody[] =>
      action.type === 'block' ? [{ type: 'unit.blocked', unit: action.unit, cause: action.cause }] : [],
    ),
    starts: actions.flatMap((action) => (action.type === 'start' ? [action.unit] : [])),
    outcome: actions.find((action) => action.type === 'finish')?.outcome,
  };
}

/** The last event of a run, which failed if not all its complete units were merged. */
export function endOfRun(
  outcome: 'complete' | 'incomplete',
  { branch, head, unmerged }: Omit<Extract<EventBody, { type: 'orch.failed' }>, 'type'>,
): EventBody {
  return outcome === 'complete' && unmerged.length === 0
    ? { type: 'orch.completed', branch, head }
    : { type: 'orch.failed', branch, head, unmerged };
}

/** Whether dependents no longer wait for a unit in this state. */
function isDone(state: UnitState): boolean {
  return state === 'complete' || state === 'skipped';
}

/** For each unit that cannot complete any more, the unit that caused it; the first by id of several. */
function findCauses(graph: Graph, stateOf: (id: string) => UnitState): ReadonlyMap<string, string> {
  const causes = new Map<string, string>();
  const order = graph.topologicalOrder();
  for (const id of order) {
    const unit = stateOf(id);
    if (isDone(unit) || unit === 'running') continue;
    if (unit === 'failed' || unit === 'cancelled') {
      causes.set(id, id);
      continue;
    }
    const roots = graph.dependenciesOf(id).map((dependency) => causes.get(dependency));
    const first = roots.filter((root) => root !== undefined).sort(compareText)[0];
    if (first !== undefined) causes.set(id, first);
    else if (unit === 'blocked') causes.set(id, id); // its cause was retried, it was not
  }
  // A plan with cycles is refused earlier; if one got here, its units would be blocked instead of waiting for ever.
  if (order.length < graph.ids.length) {
    for (const { members } of graph.cycles()) {
      for (const member of members) {
        for (const id of [member, ...graph.descendantsOf(member)])
          causes.set(id, causes.get(id) ?? members[0] ?? member);
      }
    }
  }
  return causes;
}
