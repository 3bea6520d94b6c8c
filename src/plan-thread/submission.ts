import type { Ceilings } from '../config/ceilings.ts';
import { holdToCeilings, isClamp } from '../config/hold-to-ceilings.ts';
import type { LoadedConfig } from '../config/load.ts';
import { DEFAULT_CONFIG, type ProviderName } from '../config/schema.ts';
import type { OrchStarted } from '../events/unit-record.ts';
import { findBranchesInTheWay } from '../git/branches.ts';
import { describeStart, limitsOf } from '../orchestrator/run-start.ts';
import { makePlan } from '../plan/plan.ts';
import type { Project } from '../plan/project.ts';
import type { Plan } from '../plan/schema.ts';
import type { Problem } from '../problems/problem.ts';
import type { ProviderWishes } from '../provider/factory.ts';

/** A run that somebody wants, and all that is known about it outside its commit. */
export interface SubmissionQuestion extends Pick<
  OrchStarted,
  'run' | 'commit' | 'sandbox' | 'actor' | 'remote'
> {
  readonly configCommit: string;
  /** What the operator allows any repository at most. */
  readonly ceilings: Ceilings;
  /** What the commit was asked for by. */
  readonly name: string;
  /** The branch that units are named for. */
  readonly branch: string;
  /** Where results go; null: where the configuration says, or else to that branch. */
  readonly target: string | null;
  /** The branches that choo has there already. */
  readonly ownBranches: readonly string[];
  readonly units: readonly string[] | undefined;
  readonly wishes: Pick<ProviderWishes, 'forced' | 'request' | 'environment'>;
  readonly allowedProviders: readonly ProviderName[] | undefined;
  /** The units start over. */
  readonly fresh: boolean;
}

/** The first event of the run, or the plan that keeps it from being one. `clamps`: what was asked for beyond the ceilings. */
export type Submission =
  | { readonly kind: 'start'; readonly start: OrchStarted; readonly clamps: readonly Problem[] }
  | { readonly kind: 'nothing'; readonly clamps: readonly Problem[] }
  | { readonly kind: 'refused'; readonly plan: Plan };

/** Plans a run and describes its start. Throws a ChooError (`usage`) for units that are not there. */
export function prepareSubmission(
  { discovery }: Project,
  written: LoadedConfig,
  question: SubmissionQuestion,
): Submission {
  const { run, commit, sandbox, actor, remote, branch, units, fresh } = question;
  const configuration = holdToCeilings(written, question.ceilings);
  const config = configuration.config ?? DEFAULT_CONFIG;
  const plan = makePlan({
    discovery,
    configuration,
    source: { kind: 'commit', name: question.name, commit },
    repositoryProblems: findBranchesInTheWay(
      question.ownBranches,
      { target: branch, directory: '' },
      discovery.units.map(({ id }) => id),
    ),
    only: units,
    wishes: question.wishes,
    allowedProviders: question.allowedProviders,
  });
  if (!plan.runnable) return { kind: 'refused', plan };
  const clamps = plan.problems.list.filter(isClamp);
  if (plan.waves.length === 0) return { kind: 'nothing', clamps };
  const start = describeStart(
    {
      plan,
      target: question.target ?? config.target_branch ?? branch,
      commit,
      directory: '',
      sandbox,
      parallelism: config.parallelism,
      verify: true, // on a server there is no other choice
      limits: limitsOf(config),
      fresh: new Set(fresh ? (units ?? plan.waves.flat()) : []),
      actor,
      remote,
    },
    run,
  );
  return { kind: 'start', start, clamps };
}
