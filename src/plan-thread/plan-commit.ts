import type { ProviderName } from '../config/schema.ts';
import { findConflictingBranches } from '../git/branches.ts';
import { type RenderedPlanCheck, renderPlanCheck } from '../github/render/plan-check.ts';
import { type PlanCommentInput, renderPlanComment } from '../github/render/plan-comment.ts';
import type { WorkElsewhere } from '../github/render/plan-input.ts';
import { type EarlierWork, foretell, willRun } from '../plan/fate.ts';
import { makePlan, type MissingProvider } from '../plan/plan.ts';
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
  /** The providers that this server cannot start. */
  readonly missingProviders: ReadonlyMap<ProviderName, MissingProvider>;
  /** By unit: what is known of its last work. */
  readonly done: ReadonlyMap<string, EarlierWork>;
  /** Open pull requests whose results go to other branches. */
  readonly elsewhere: readonly WorkElsewhere[];
  /** Units of an earlier plan, with their keys at that time. */
  readonly planned?: ReadonlyMap<string, string> | undefined;
  /** The directories of units that the push or pull request changes. */
  readonly changed: ReadonlySet<string>;
  /** Whether that changes the configuration, too. */
  readonly changesConfig: boolean;
  /** For the comment of a pull request; null for no comment. */
  readonly comment: Pick<PlanCommentInput, 'checkUrl' | 'marker' | 'isOfAll'> | null;
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
  { configuration: own, discovery, absent }: Project,
  input: PlanCommitInput,
): PlannedCommit {
  const { commit, target, policy, ownBranches, provider, allowedProviders, missingProviders } = input;
  // The configuration of a branch is not in force yet, but its problems are reported where it was written.
  const isOther = policy.kind === 'holds' && policy.commit !== commit;
  const plan = makePlan({
    discovery,
    absent,
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
    missing: missingProviders,
  });
  return describePlan(plan, input);
}

/** Renders the check run and the comment of a plan. Pure. */
export function describePlan(plan: Plan, input: Omit<PlanCommitInput, 'ownBranches'>): PlannedCommit {
  const { commit, policy, done, planned = new Map(), comment } = input;
  const { target, elsewhere, changesConfig } = input;
  const fates = foretell(plan, done);
  const changed = unitsIn(plan, input.changed);
  const shown = {
    plan,
    commit,
    changed,
    fates,
    target,
    elsewhere,
    changesConfig,
    configCommit: policy.commit,
    brokenConfig: (policy.kind === 'holds' && policy.broken?.commit) || null,
    configNote: configNoteOf(policy),
  };
  return {
    runnable: plan.runnable,
    errors: plan.problems.errors,
    check: renderPlanCheck({
      ...shown,
      limits: (policy.kind === 'holds' && policy.configuration.config?.limits) || null,
    }),
    comment: comment && renderPlanComment({ ...shown, ...comment }),
    hasNewWork: [...fates.values()].some(willRun),
    changedUnfinished: plan.units
      .filter(({ id, state }) => changed.has(id) && state === 'planned')
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

/** The units of a plan in these directories. */
function unitsIn({ units, specsDir }: Plan, directories: ReadonlySet<string>): ReadonlySet<string> {
  const inside = units.filter(({ directory }) => directories.has(directory.slice(specsDir.length + 1)));
  return new Set(inside.map(({ id }) => id));
}

function configNoteOf(policy: EffectiveConfig): string | null {
  if (policy.kind === 'none')
    return 'The configuration on the default branch has errors, and no earlier one is without: nothing runs until somebody corrects it.';
  if (policy.broken === null) return null;
  return `The configuration on the default branch, at ${policy.broken.commit.slice(0, 12)}, has errors: choo uses the last one without errors.`;
}
