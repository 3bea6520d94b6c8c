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
import { isChanged } from './spec-changes.ts';

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
  /** Other branches that change the same directories of specs. */
  readonly branches: readonly SpecBranch[];
  /** Units of an earlier plan, with their keys at that time. */
  readonly planned?: ReadonlyMap<string, string> | undefined;
  /** The directories of specs that the push or pull request changes; see {@link SpecChanges}. */
  readonly changed: ReadonlySet<string>;
  /** Whether that changes the configuration, too. */
  readonly changesConfig: boolean;
  /** For the comment of a pull request; null for no comment. */
  readonly comment: Pick<PlanCommentInput, 'checkUrl' | 'marker' | 'isOfAll'> | null;
}

/** A branch that changes a directory of specs, which another one changes, too. */
export interface SpecBranch {
  readonly directory: string;
  readonly branch: string;
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
  const { target, changesConfig } = input;
  const elsewhere = [...input.elsewhere, ...elsewhereOf(plan, input)];
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
function unitsIn({ units }: Plan, directories: ReadonlySet<string>): ReadonlySet<string> {
  return new Set(units.filter(({ directory }) => isChanged(directories, directory)).map(({ id }) => id));
}

/** The units that other branches change, of which no results are there. */
function elsewhereOf(
  { units }: Plan,
  { branches, elsewhere }: Pick<PlanCommitInput, 'branches' | 'elsewhere'>,
): readonly WorkElsewhere[] {
  return branches.flatMap(({ directory, branch }) =>
    units
      .filter((unit) => unit.directory === directory)
      .filter(({ id }) => !elsewhere.some(({ unit, target }) => unit === id && target === branch))
      .map(({ id }) => ({ unit: id, target: branch, pull: null, isSameBranch: false })),
  );
}

function configNoteOf(policy: EffectiveConfig): string | null {
  if (policy.kind === 'none')
    return 'The configuration on the default branch has errors, and no earlier one is without: nothing runs until somebody corrects it.';
  if (policy.broken === null) return null;
  return `The configuration on the default branch, at ${policy.broken.commit.slice(0, 12)}, has errors: choo uses the last one without errors.`;
}
