import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { unitBranch } from '../../git/branches.ts';
import type { UnitPull } from '../../store/github/unit-pulls.ts';

/** The position of a unit's pull request in its stack. */
export interface StackPosition {
  /** The branch that it goes to. */
  readonly base: string;
  /** Unmerged dependencies, to be merged first. */
  readonly needs: readonly string[];
}

/**
 * Finds the base of a unit's pull request: with exactly one unmerged dependency, that dependency's branch, so that only the
 * unit's own work shows; otherwise the target. Pure.
 */
export function findStackPosition(
  { plan }: UnitProgress,
  state: RunState,
  pulls: ReadonlyMap<string, UnitPull>,
  target: string,
): StackPosition {
  const needs = plan.dependsOn.filter((id) => isOpen(state.units.get(id), pulls.get(id)));
  const [only] = needs;
  // The branch of a lost pull request may have been deleted.
  const isOnIt = needs.length === 1 && only !== undefined && pulls.get(only)?.state !== 'lost';
  const base = isOnIt ? (state.units.get(only)?.branch ?? unitBranch(state.start, only)) : target;
  return { base, needs };
}

/** Whether a unit has work that is not merged. */
function isOpen(unit: UnitProgress | undefined, pull: UnitPull | undefined): boolean {
  if (pull?.state === 'merged') return false;
  return unit?.head !== null && unit?.head !== undefined;
}
