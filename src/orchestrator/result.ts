import type { RunState } from '../events/state.ts';
import type { UnitProgress } from '../events/unit-progress.ts';
import { mergeCommits } from '../git/merge.ts';
import type { Repository } from '../git/repository.ts';
import { Graph } from '../scheduler/graph.ts';

/** What a local run leaves behind: one branch with all that is complete. */
export interface Integration {
  readonly branch: string;
  /** Null: no unit has work of its own that is complete. */
  readonly head: string | null;
  readonly unmerged: readonly { readonly unit: string; readonly files: readonly string[] }[];
}

/**
 * Merges the heads of all complete units into `choo/run/<id>`, without a checkout. A unit that another complete one
 * depends on is in there already. What conflicts is left out and named.
 */
export async function integrate(state: RunState, repository: Repository): Promise<Integration> {
  const { run, commit } = state.start;
  const branch = `choo/run/${run}`;
  const complete = [...state.units.values()].filter(
    (unit) => unit.state === 'complete' && unit.head !== null,
  );
  const unmerged: { unit: string; files: readonly string[] }[] = [];
  let head = commit;
  for (const { plan, head: from } of outermost(complete)) {
    const merge = await mergeCommits(repository, {
      into: head,
      from: from ?? head,
      subject: `Merge unit ${plan.id}`,
    });
    if (merge.kind === 'conflict') unmerged.push({ unit: plan.id, files: merge.files });
    else head = merge.commit;
  }
  if (head === commit) return { branch, head: null, unmerged };
  const before = await repository.branchHead(branch);
  if (before !== head) await repository.publish(branch, head, before);
  return { branch, head, unmerged };
}

/** The units that no other one of them builds on, in the order of the graph. */
function outermost(units: readonly UnitProgress[]): readonly UnitProgress[] {
  const byId = new Map(units.map((unit) => [unit.plan.id, unit]));
  const graph = new Graph(units.map(({ plan }) => ({ id: plan.id, dependsOn: plan.dependsOn, weight: 1 })));
  return graph
    .topologicalOrder()
    .filter((id) => graph.dependentsOf(id).length === 0)
    .map((id) => byId.get(id))
    .filter((unit) => unit !== undefined);
}
