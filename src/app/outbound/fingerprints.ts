import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import type { ReportContext } from '../pulls/report-context.ts';

/** The fingerprint of a run's status comment: unit states and task counts, without current activity. */
export function fingerprint(state: RunState): string {
  const units = [...state.units.values()].map((unit) => {
    const done = [...unit.tasks.values()].filter(({ state }) => state === 'complete').length;
    return `${unit.state} ${done} ${unit.head ?? ''} ${unit.failure ?? ''} ${unit.until ?? ''} ${unit.releaseReason ?? ''}`;
  });
  return [state.status, ...units].join('\n');
}

/** The fingerprint of one unit, with everything its pull request depends on. */
export function unitFingerprint(
  unit: UnitProgress,
  { pulls, records, state, dependents, withheld }: ReportContext,
): string {
  const { plan, head, claim, failure, message, releaseReason, verified, endedAt } = unit;
  const record = records.get(plan.id);
  const around = [plan.id, ...plan.dependsOn].map((id) => {
    const pull = pulls.get(id);
    const { branch, head } = state.units.get(id) ?? {};
    return [pull?.number, pull?.state, branch, head, records.get(id)?.revert];
  });
  const own = [unit.state, head, claim, failure, message, releaseReason, verified, endedAt];
  const above = (dependents.get(plan.id) ?? []).map((id) => {
    const pull = pulls.get(id);
    return pull?.state === 'open' ? pull.number : null;
  });
  const made = [record?.run, record?.outcome, record?.head, record?.verified];
  return JSON.stringify([own, around, above, made, [...withheld.keys()]]);
}

/** The units that depend on each unit. */
export function dependentsOf({ units }: RunState): ReadonlyMap<string, readonly string[]> {
  const edges = [...units.values()].flatMap(({ plan }) => plan.dependsOn.map((on) => [on, plan.id] as const));
  const grouped = Map.groupBy(edges, ([on]) => on);
  return new Map([...grouped].map(([on, list]) => [on, list.map(([, id]) => id)]));
}

/** Distinguishes a run's ends when it was retried in between. */
export function endOf(state: RunState): string {
  return `${state.status} ${Math.max(...[...state.units.values()].map(({ claim }) => claim), 0)}`;
}
