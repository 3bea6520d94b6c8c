import type { RunState } from '../events/state.ts';
import type { UnitProgress } from '../events/unit-progress.ts';
import { mergeCommits } from '../git/merge.ts';
import type { Repository } from '../git/repository.ts';
import { Graph } from '../scheduler/graph.ts';

/** The result of a local run: one branch with all complete units. */
export interface Integration {
  readonly branch: string;
  /** Null when no complete unit has commits of its own. */
  readonly head: string | null;
  readonly unmerged: readonly { readonly unit: string; readonly files: readonly string[] }[];
}

/**
 * Merges the heads of all complete units into `choo/run/<id>`, without a checkout. Dependencies come with their dependents.
 * Units that conflict are left out and reported.
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

/** The units that none of the others depends on, in the order of the graph. */
function outermost(units: readonly UnitProgress[]): readonly UnitProgress[] {
  const byId = new Map(units.map((unit) => [unit.plan.id, unit]));
  const graph = new Graph(units.map(({ plan }) => ({ id: plan.id, dependsOn: plan.dependsOn, weight: 1 })));
  return graph
    .topologicalOrder()
    .filter((id) => graph.dependentsOf(id).length === 0)
    .map((id) => byId.get(id))
    .filter((unit) => unit !== undefined);
}
