import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { unitBranch } from '../../git/branches.ts';
import type { UnitPull } from '../../store/github/unit-pulls.ts';

/** Where a unit's pull request stands in its stack. */
export interface StackPosition {
  /** The branch that it is compared with. */
  readonly base: string;
  /** What it builds on and is not merged yet: to be merged first. */
  readonly needs: readonly string[];
}

/**
 * What a unit's pull request goes to: with one dependency that is not merged, to its branch, so that only its own work shows;
 * else to where all of them go. Pure.
 */
export function findStackPosition(
  { plan }: UnitProgress,
  state: RunState,
  pulls: ReadonlyMap<string, UnitPull>,
  target: string,
): StackPosition {
  const needs = plan.dependsOn.filter((id) => isOpen(state.units.get(id), pulls.get(id)));
  const [only] = needs;
  // The branch of a lost one may be what was deleted.
  const isOnIt = needs.length === 1 && only !== undefined && pulls.get(only)?.state !== 'lost';
  const base = isOnIt ? (state.units.get(only)?.branch ?? unitBranch(state.start, only)) : target;
  return { base, needs };
}

/** Whether the work of a unit is somewhere, and not in the target yet. */
function isOpen(unit: UnitProgress | undefined, pull: UnitPull | undefined): boolean {
  if (pull?.state === 'merged') return false;
  return unit?.head !== null && unit?.head !== undefined;
}
