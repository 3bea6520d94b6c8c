import type { UnitRecord } from '../../events/store.ts';
import { isAncestor } from '../../git/ancestry.ts';
import type { Repository } from '../../git/repository.ts';
import { findRevert } from './reverts.ts';
import type { UnitPull } from '../../store/github/unit-pulls.ts';

/** Where the merges of units are looked for. */
interface Scene {
  readonly repository: Repository;
  readonly targetHead: string;
  readonly pulls: ReadonlyMap<string, UnitPull>;
  readonly records: ReadonlyMap<string, UnitRecord>;
}

/** What became of the units whose pull requests were merged. */
export interface MergedUnits {
  /** Those whose work is in the target now. */
  readonly merged: ReadonlySet<string>;
  /** Those whose work was there until a later commit took it back, with that commit. */
  readonly reverted: ReadonlyMap<string, string>;
}

/** The merges that reverts are looked for: the newest. */
const MAX_WATCHED = 50;

/**
 * Finds the units whose work is in the target now: the merge of their pull request is in its history, or they were merged into
 * the branch of a unit whose merge is. A merge that the target lost again does not count, nor one that it took back.
 */
export async function findMergedUnits(scene: Scene): Promise<MergedUnits> {
  const { repository, targetHead, pulls, records } = scene;
  const merged = new Set<string>();
  const reverted = new Map<string, string>();
  const unitOf = new Map([...records.values()].map(({ branch, unit }) => [branch, unit]));
  const isIn = async ({ mergeCommit, base }: UnitPull): Promise<boolean> => {
    if (mergeCommit === null) return true; // merged before choo stored the commit
    if (await isAncestor(repository, mergeCommit, targetHead)) return true;
    const neighbour = unitOf.get(base);
    const head = neighbour === undefined || !merged.has(neighbour) ? null : pulls.get(neighbour)?.head;
    return head != null && isAncestor(repository, mergeCommit, head);
  };
  let open = [...pulls.values()].filter(({ state }) => state === 'merged');
  const watched = open.toSorted((a, b) => b.number - a.number).slice(0, MAX_WATCHED);
  for (;;) {
    const left: UnitPull[] = [];
    for (const pull of open) {
      if (await isIn(pull)) merged.add(pull.unit);
      else left.push(pull);
    }
    // Each round may have found the neighbour of another one.
    if (left.length === open.length || left.length === 0) break;
    open = left;
  }
  for (const { unit, mergeCommit: merge, head } of watched) {
    const base = records.get(unit)?.base;
    if (!merged.has(unit) || merge === null || head === null || base === undefined) continue;
    const revert = await findRevert(repository, { merge, head, base }, targetHead);
    if (revert !== undefined) reverted.set(unit, revert);
  }
  // What was merged into the branch of a neighbour went with it.
  for (const { unit, base } of watched) {
    const revert = reverted.get(unitOf.get(base) ?? '');
    if (revert !== undefined && !reverted.has(unit)) reverted.set(unit, revert);
  }
  return { merged: merged.difference(new Set(reverted.keys())), reverted };
}
