import type { RunState } from '../../events/state.ts';
import type { UnitRecord } from '../../events/store.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { isAncestor } from '../../git/ancestry.ts';
import { unitBranch } from '../../git/branches.ts';
import type { Repository } from '../../git/repository.ts';
import type { UnitPull } from '../../store/github/unit-pulls.ts';
import type { OpenDependency } from './derive.ts';
import type { MergedUnits } from './merged-units.ts';

/** The units of a target, and the branches as they are. */
interface Family extends MergedUnits {
  readonly repository: Repository;
  readonly targetHead: string;
  readonly heads: ReadonlyMap<string, string>;
  readonly state: RunState;
  readonly pulls: ReadonlyMap<string, UnitPull>;
  readonly records: ReadonlyMap<string, UnitRecord>;
}

/** The dependencies whose work is not in the target; `moved`: one that is in the target arrived there as other commits. */
export async function findDependencies(
  { plan }: UnitProgress,
  { builtOn }: UnitRecord,
  family: Family,
): Promise<{ readonly open: readonly OpenDependency[]; readonly moved: readonly string[] }> {
  const { state, pulls, records, merged, reverted, repository, targetHead } = family;
  const [open, moved]: [OpenDependency[], string[]] = [[], []];
  for (const id of new Set([...plan.dependsOn, ...Object.keys(builtOn)])) {
    const [progress, record, pull] = [state.units.get(id), records.get(id), pulls.get(id)];
    const isMerged = merged.has(id) || (pull === undefined && record?.outcome === 'merged');
    const builtAt = builtOn[id];
    if (isMerged) {
      const isThere = builtAt === undefined || (await isAncestor(repository, builtAt, targetHead));
      if (!isThere) moved.push(id);
      continue;
    }
    const own = record?.branch ?? progress?.branch ?? unitBranch(state.start, id);
    const of = { unit: id, ...findNeighbour(id, own, family), number: pull?.number };
    if (reverted.has(id)) {
      open.push({ ...of, state: 'reverted' });
      continue;
    }
    if ((progress?.head ?? (builtAt === undefined ? null : record?.head)) == null) continue;
    const kind = pull?.state === 'closed' ? 'rejected' : pull?.state === 'lost' ? 'lost' : 'open';
    open.push({ ...of, state: kind });
  }
  return { open, moved };
}

/** The unit into whose branch a unit was merged, directly or not, and its branch when the unit's own is gone. */
function findNeighbour(
  id: string,
  own: string,
  { pulls, records, merged, heads }: Family,
): { readonly through: string; readonly branch: string } {
  const seen = new Set<string>();
  let [through, branch] = [id, own];
  for (let pull = pulls.get(id); pull?.state === 'merged' && !seen.has(through); pull = pulls.get(through)) {
    const { base } = pull;
    seen.add(through);
    const next = [...records.values()].find((record) => record.branch === base);
    if (next === undefined || merged.has(next.unit)) break;
    [through, branch] = [next.unit, next.branch];
  }
  return { through, branch: heads.has(own) ? own : branch };
}

/** The units whose pull requests were merged into a unit branch, are in its head, and not in the target. */
export async function findMergedInto(
  branch: string,
  head: string,
  { pulls, merged, repository }: Family,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { unit, state, base, mergeCommit } of pulls.values())
    if (state === 'merged' && base === branch && mergeCommit !== null && !merged.has(unit))
      if (await isAncestor(repository, mergeCommit, head)) found.push(unit);
  return found;
}
