import { isAncestor } from '../../git/ancestry.ts';
import type { Repository } from '../../git/repository.ts';
import type { UnitPull } from '../../store/github/unit-pulls.ts';

/** Where the merges of units are looked for. */
interface Scene {
  readonly repository: Repository;
  readonly targetHead: string;
  readonly pulls: ReadonlyMap<string, UnitPull>;
  /** The unit of a branch. */
  readonly unitOf: (branch: string) => string | undefined;
}

/**
 * Finds the units whose work is in the target now: the merge of their pull request is in its history, or they were merged into
 * the branch of a unit whose merge is. A merge that the target lost again does not count.
 */
export async function findMergedUnits(scene: Scene): Promise<ReadonlySet<string>> {
  const { pulls } = scene;
  const merged = new Set<string>();
  const isIn = async ({ mergeCommit, base }: UnitPull): Promise<boolean> => {
    if (mergeCommit === null) return true; // merged before choo stored the commit
    if (await isAncestor(scene.repository, mergeCommit, scene.targetHead)) return true;
    const neighbour = scene.unitOf(base);
    const head = neighbour === undefined || !merged.has(neighbour) ? null : pulls.get(neighbour)?.head;
    return head != null && isAncestor(scene.repository, mergeCommit, head);
  };
  let open = [...pulls.values()].filter(({ state }) => state === 'merged');
  for (;;) {
    const left: UnitPull[] = [];
    for (const pull of open) {
      if (await isIn(pull)) merged.add(pull.unit);
      else left.push(pull);
    }
    // Each round may have found the neighbour of another one.
    if (left.length === open.length || left.length === 0) return merged;
    open = left;
  }
}
