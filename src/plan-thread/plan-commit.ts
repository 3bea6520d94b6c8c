import type { ProviderName } from '../config/schema.ts';
import { findBranchesInTheWay } from '../git/branches.ts';
import { type KeyState, type RenderedPlanCheck, renderPlanCheck } from '../github/render/plan-check.ts';
import { renderPlanComment } from '../github/render/plan-comment.ts';
import { makePlan } from '../plan/plan.ts';
import type { Project } from '../plan/project.ts';
import type { Plan } from '../plan/schema.ts';
import type { Policy } from './policy.ts';

/** What is to be planned, and all that is known about it outside its commit. */
export interface PlanQuestion {
  readonly commit: string;
  /** The branch that results would go to. */
  readonly target: string;
  readonly policy: Policy;
  /** The branches that choo has there already. */
  readonly ownBranches: readonly string[];
  /** What the operator prefers, and allows. */
  readonly provider: ProviderName | undefined;
  readonly allowedProviders: readonly ProviderName[] | undefined;
  /** By unit: the key that its work was done for, and whether that stands. */
  readonly done: ReadonlyMap<string, { readonly key: string; readonly stands: boolean }>;
  /** Units that a run planned before, with the keys they had. */
  readonly planned?: ReadonlyMap<string, string> | undefined;
  /** The directories of units that the push or pull request changes. */
  readonly changed: ReadonlySet<string>;
  /** For the comment of a pull request; null: none is wanted. */
  readonly comment: { readonly checkUrl: string; readonly marker: string } | null;
}

/** What there is to say of a planned commit: as large as what GitHub shows, however large the specs are. */
export interface PlannedCommit {
  readonly runnable: boolean;
  readonly errors: number;
  readonly check: RenderedPlanCheck;
  readonly comment: string | null;
  /** Whether there is work that was not done before. */
  readonly hasNewWork: boolean;
  /** The units that are changed and unfinished, by id. */
  readonly changedUnfinished: readonly string[];
  /** Of the units that a run planned before those that are not the same any more. */
  readonly outdated: readonly string[];
}

/** Plans a commit under the configuration that holds, and says so in the words of its check and its comment. Pure. */
export function planCommit(
  { configuration: own, discovery }: Project,
  question: PlanQuestion,
): PlannedCommit {
  const { commit, target, policy, ownBranches, provider, allowedProviders } = question;
  // The configuration of a branch does not hold yet. What is wrong with it is told where it is written.
  const isOther = policy.kind === 'holds' && policy.commit !== commit;
  const plan = makePlan({
    discovery,
    configuration: policy.kind === 'holds' ? policy.configuration : own,
    source: { kind: 'commit', name: commit, commit },
    repositoryProblems: [
      ...(isOther ? own.problems : []),
      ...findBranchesInTheWay(
        ownBranches,
        { target, directory: '' },
        discovery.units.map(({ id }) => id),
      ),
    ],
    wishes: { environment: provider },
    allowedProviders,
  });
  return describePlan(plan, question);
}

/** A plan in the words of its check and its comment. Pure. */
export function describePlan(
  plan: Plan,
  {
    commit,
    policy,
    done,
    planned = new Map(),
    changed,
    comment,
  }: Pick<PlanQuestion, 'commit' | 'policy' | 'done' | 'planned' | 'changed' | 'comment'>,
): PlannedCommit {
  const keys = keysOf(plan, done);
  const shown = { plan, commit, changed: unitsIn(plan, changed) };
  return {
    runnable: plan.runnable,
    errors: plan.problems.errors,
    check: renderPlanCheck({
      ...shown,
      configCommit: policy.commit,
      configNote: noteOf(policy),
      limits: (policy.kind === 'holds' && policy.configuration.config?.limits) || null,
      keys,
    }),
    comment: comment && renderPlanComment({ ...shown, ...comment }),
    hasNewWork: plan.waves.flat().some((unit) => keys.get(unit) !== 'satisfied'),
    changedUnfinished: plan.units
      .filter(({ id, state }) => shown.changed.has(id) && state === 'planned')
      .map(({ id }) => id),
    outdated: outdatedOf(plan, planned),
  };
}

function outdatedOf({ units }: Plan, planned: ReadonlyMap<string, string>): readonly string[] {
  const now = new Map(units.map(({ id, key }) => [id, key]));
  return [...planned].filter(([id, key]) => now.get(id) !== key).map(([id]) => id);
}

/** Where a unit stands beside what was done for it before. */
function keysOf(plan: Plan, done: PlanQuestion['done']): ReadonlyMap<string, KeyState> {
  return new Map(
    plan.units.flatMap(({ id, key }): [string, KeyState][] => {
      if (key === null) return [];
      const before = done.get(id);
      if (before === undefined) return [[id, 'new']];
      if (before.key !== key) return [[id, 'changed']];
      return [[id, before.stands ? 'satisfied' : 'new']];
    }),
  );
}

/** The units of a plan that stand in one of these directories. */
function unitsIn({ units, specsDir }: Plan, directories: ReadonlySet<string>): ReadonlySet<string> {
  const inside = units.filter(({ directory }) => directories.has(directory.slice(specsDir.length + 1)));
  return new Set(inside.map(({ id }) => id));
}

function noteOf(policy: Policy): string | null {
  if (policy.kind === 'none')
    return 'The configuration on the default branch is broken and there never was a good one: nothing runs until it is mended.';
  if (policy.broken === null) return null;
  return `The configuration on the default branch, at ${policy.broken.commit.slice(0, 12)}, is broken: the last good one holds.`;
}
