import { type Spending, sumSpending } from '../../events/spending.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { Graph } from '../../scheduler/graph.ts';

/** A run in a few numbers. */
export interface RunTotals {
  readonly complete: number;
  readonly running: number;
  readonly failed: number;
  readonly blocked: number;
  readonly cancelled: number;
  readonly skipped: number;
  readonly waiting: number;
  readonly spending: Spending;
  /** Tasks left on the longest way through the units that can still be done. */
  readonly criticalTasks: number;
}

export function totalsOf(state: RunState): RunTotals {
  const units = [...state.units.values()];
  const count = (wanted: UnitProgress['state']): number =>
    units.filter((unit) => unit.state === wanted).length;
  return {
    complete: count('complete'),
    running: count('running'),
    failed: count('failed'),
    blocked: count('blocked'),
    cancelled: count('cancelled'),
    skipped: count('skipped'),
    waiting: count('pending'),
    spending: sumSpending(units.map(({ spending }) => spending)),
    criticalTasks: criticalTasks(units),
  };
}

/** Tasks of a unit that are complete. */
function tasksDone({ tasks }: UnitProgress): number {
  return [...tasks.values()].filter((task) => task.state === 'complete').length;
}

function criticalTasks(units: readonly UnitProgress[]): number {
  const open = units.filter(({ state }) => state === 'pending' || state === 'running');
  const nodes = open.map((unit) => ({
    id: unit.plan.id,
    dependsOn: unit.plan.dependsOn,
    weight: unit.plan.tasks.length - tasksDone(unit),
  }));
  return new Graph(nodes).criticalPath().weight;
}
