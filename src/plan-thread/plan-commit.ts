import type { ProviderName } from '../config/schema.ts';
import { findConflictingBranches } from '../git/branches.ts';
import { type KeyState, type RenderedPlanCheck, renderPlanCheck } from '../github/render/plan-check.ts';
import { renderPlanComment } from '../github/render/plan-comment.ts';
import { makePlan } from '../plan/plan.ts';
import type { Project } from '../plan/project.ts';
import type { Plan } from '../plan/schema.ts';
import type { EffectiveConfig } from './effective-config.ts';

/** The commit to plan, with everything about it that is known outside of the commit. */
export interface PlanCommitInput {
  readonly commit: string;
  /** The target branch. */
  readonly target: string;
  readonly policy: EffectiveConfig;
  /** Existing branches of choo. */
  readonly ownBranches: readonly string[];
  /** The provider that the operator prefers. */
  readonly provider: ProviderName | undefined;
  readonly allowedProviders: readonly ProviderName[] | undefined;
  /** By unit: the key of its last verified work, and whether that is still valid. */
  readonly done: ReadonlyMap<string, { readonly key: string; readonly stands: boolean }>;
  /** Units of an earlier plan, with their keys at that time. */
  readonly planned?: ReadonlyMap<string, string> | undefined;
  /** The directories of units that the push or pull request changes. */
  readonly changed: ReadonlySet<string>;
  /** For the comment of a pull request; null for no comment. */
  readonly comment: { readonly checkUrl: string; readonly marker: string } | null;
}

/** What choo publishes of a planned commit. Its size is bounded by what GitHub shows, however large the specs are. */
export interface PlannedCommit {
  readonly runnable: boolean;
  readonly errors: number;
  readonly check: RenderedPlanCheck;
  readonly comment: string | null;
  /** Whether any unit is not yet satisfied. */
  readonly hasNewWork: boolean;
  /** The units that are changed and unfinished, by id. */
  readonly changedUnfinished: readonly string[];
  /** Units of the earlier plan whose key has changed, or that are gone. */
  readonly outdated: readonly { readonly id: string; readonly isGone: boolean }[];
}

/** Plans a commit with the configuration in force, and renders its check run and its comment. Pure. */
export function planCommit(
  { configuration: own, discovery }: Project,
  input: PlanCommitInput,
): PlannedCommit {
  const { commit, target, policy, ownBranches, provider, allowedProviders } = input;
  // The configuration of a branch is not in force yet, but its problems are reported where it was written.
  const isOther = policy.kind === 'holds' && policy.commit !== commit;
  const plan = makePlan({
    discovery,
    configuration: policy.kind === 'holds' ? policy.configuration : own,
    source: { kind: 'commit', name: commit, commit },
    repositoryProblems: [
      ...(isOther ? own.problems : []),
      ...findConflictingBranches(
        ownBranches,
        { target, directory: '' },
        discovery.units.map(({ id }) => id),
      ),
    ],
    candidates: { environment: provider },
    allowedProviders,
  });
  return describePlan(plan, input);
}

/** Renders the check run and the comment of a plan. Pure. */
export function describePlan(
  plan: Plan,
  {
    commit,
    policy,
    done,
    planned = new Map(),
    changed,
    comment,
  }: Pick<PlanCommitInput, 'commit' | 'policy' | 'done' | 'planned' | 'changed' | 'comment'>,
): PlannedCommit {
  const keys = keysOf(plan, done);
  const shown = { plan, commit, changed: unitsIn(plan, changed) };
  return {
    runnable: plan.runnable,
    errors: plan.problems.errors,
    check: renderPlanCheck({
      ...shown,
      configCommit: policy.commit,
      configNote: configNoteOf(policy),
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

function outdatedOf({ units }: Plan, planned: ReadonlyMap<string, string>): PlannedCommit['outdated'] {
  const now = new Map(units.map(({ id, key }) => [id, key]));
  return [...planned]
    .filter(([id, key]) => now.get(id) !== key)
    .map(([id]) => ({ id, isGone: !now.has(id) }));
}

/** Compares each unit's key with that of its earlier work. */
function keysOf(plan: Plan, done: PlanCommitInput['done']): ReadonlyMap<string, KeyState> {
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

/** The units of a plan in these directories. */
function unitsIn({ units, specsDir }: Plan, directories: ReadonlySet<string>): ReadonlySet<string> {
  const inside = units.filter(({ directory }) => directories.has(directory.slice(specsDir.length + 1)));
  return new Set(inside.map(({ id }) => id));
}

function configNoteOf(policy: EffectiveConfig): string | null {
  if (policy.kind === 'none')
    return 'The configuration on the default branch is broken and there never was a good one: nothing runs until it is mended.';
  if (policy.broken === null) return null;
  return `The configuration on the default branch, at ${policy.broken.commit.slice(0, 12)}, is broken: the last good one holds.`;
}
