import type { Ceilings } from '../config/ceilings.ts';
import { applyCeilings, isClamp } from '../config/apply-ceilings.ts';
import type { LoadedConfig } from '../config/load.ts';
import { DEFAULT_CONFIG, type ProviderName } from '../config/schema.ts';
import type { OrchStarted } from '../events/unit-record.ts';
import { findConflictingBranches } from '../git/branches.ts';
import { describeStart, limitsOf } from '../orchestrator/run-start.ts';
import { makePlan } from '../plan/plan.ts';
import type { Project } from '../plan/project.ts';
import type { Plan } from '../plan/schema.ts';
import type { Problem } from '../problems/problem.ts';
import type { ProviderCandidates } from '../provider/factory.ts';

/** The run to submit, with everything about it that is known outside of its commit. */
export interface SubmissionInput extends Pick<
  OrchStarted,
  'run' | 'commit' | 'sandbox' | 'actor' | 'remote' | 'stack'
> {
  readonly configCommit: string;
  /** The operator's ceilings for every repository. */
  readonly ceilings: Ceilings;
  /** The name by which the commit was requested. */
  readonly name: string;
  /** The branch that units are named for. */
  readonly branch: string;
  /** The target branch; null for the configured one, or else `branch`. */
  readonly target: string | null;
  /** Existing branches of choo. */
  readonly ownBranches: readonly string[];
  readonly units: readonly string[] | undefined;
  readonly candidates: Pick<ProviderCandidates, 'forced' | 'request' | 'environment'>;
  readonly allowedProviders: readonly ProviderName[] | undefined;
  /** The units start over. */
  readonly fresh: boolean;
}

/** The first event of the run, or the plan whose problems prevent it. `clamps`: limits above the operator's ceilings. */
export type Submission =
  | { readonly kind: 'start'; readonly start: OrchStarted; readonly clamps: readonly Problem[] }
  | { readonly kind: 'nothing'; readonly clamps: readonly Problem[] }
  | { readonly kind: 'refused'; readonly plan: Plan };

/** Plans a run and describes its start. Throws a ChooError (`usage`) for units that do not exist. */
export function prepareSubmission(
  { discovery }: Project,
  written: LoadedConfig,
  input: SubmissionInput,
): Submission {
  const { run, commit, sandbox, actor, remote, branch, units, fresh } = input;
  const configuration = applyCeilings(written, input.ceilings);
  const config = configuration.config ?? DEFAULT_CONFIG;
  const stack = config.stack ?? input.stack;
  const plan = makePlan({
    discovery,
    configuration,
    source: { kind: 'commit', name: input.name, commit },
    repositoryProblems: findConflictingBranches(
      input.ownBranches,
      { target: branch, directory: '' },
      discovery.units.map(({ id }) => id),
    ),
    only: units,
    candidates: input.candidates,
    allowedProviders: input.allowedProviders,
  });
  if (!plan.runnable) return { kind: 'refused', plan };
  const clamps = plan.problems.list.filter(isClamp);
  if (plan.waves.length === 0) return { kind: 'nothing', clamps };
  const start = describeStart(
    {
      plan,
      target: input.target ?? config.target_branch ?? branch,
      commit,
      directory: '',
      sandbox,
      parallelism: config.parallelism,
      verify: true, // a server always verifies
      limits: limitsOf(config),
      fresh: new Set(fresh ? (units ?? plan.waves.flat()) : []),
      actor,
      remote,
      ...(stack !== undefined && { stack }),
    },
    run,
  );
  return { kind: 'start', start, clamps };
}
