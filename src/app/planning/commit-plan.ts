import { applyCeilings } from '../../config/apply-ceilings.ts';
import { DEFAULT_CONFIG } from '../../config/schema.ts';
import { specRoots } from '../../config/spec-sources.ts';
import { discoverNothing } from '../../discovery/discovery.ts';
import { ChooError } from '../../errors.ts';
import { unitBranch } from '../../git/branches.ts';
import type { RemoteRepository } from '../../orchestrator/server/remote-repositories.ts';
import { fetchCommit } from '../../orchestrator/server/server-context.ts';
import { describePlan, type PlannedCommit, type PlanCommitInput } from '../../plan-thread/plan-commit.ts';
import { limitProblem } from '../../plan-thread/plan-thread.ts';
import type { EffectiveConfig } from '../../plan-thread/effective-config.ts';
import type { SpecChanges } from '../../plan-thread/spec-changes.ts';
import { makePlan } from '../../plan/plan.ts';
import { updateRepository } from '../../store/github/github-repositories.ts';
import { saveReviewStart } from '../../store/github/required-reviews.ts';
import { listUnitPulls, listWorkElsewhere } from '../../store/github/unit-pulls.ts';
import { listRecords } from '../../store/runs/event-rows.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import { listSpecBranches } from './spec-branches.ts';

/** Cancels planning. */
type Ending = Pick<HandlerServices, 'signal'>;

/** Reads the effective configuration. The repository must have been fetched. */
export async function readPolicy(
  { known }: OpenRepository,
  remote: RemoteRepository,
  services: Pick<HandlerServices, 'database' | 'contexts' | 'signal'>,
): Promise<EffectiveConfig> {
  const { defaultBranch, configCommit: lastGood } = known;
  const head = await remote.branches.fetchedHead(defaultBranch);
  if (head === undefined)
    throw new ChooError('git', `the default branch \`${defaultBranch}\` is not there`, {
      hint: 'push it, or choose another one in the settings of the repository',
    });
  const policy = await remote.ask('readPolicy', { head, lastGood }, services.signal);
  if (policy.kind === 'none') return policy;
  const isNew = policy.broken === null && policy.commit !== lastGood;
  if (isNew) await updateRepository(services.database, known.id, { configCommit: policy.commit });
  // From here on a configuration that no longer asks for it counts only when it was reviewed.
  if (policy.configuration.config?.require_review === true)
    await saveReviewStart(services.database, known.id, { branch: defaultBranch, commit: head });
  return { ...policy, configuration: applyCeilings(policy.configuration, services.contexts.ceilings) };
}

/** Finds what a push or pull request changes. `before` undefined: everything is new. Reaching a time limit counts as a change. */
export async function findSpecChanges(
  remote: RemoteRepository,
  policy: EffectiveConfig,
  between: { readonly before: string | undefined; readonly after: string },
  { signal }: Ending,
): Promise<SpecChanges> {
  const roots = specRoots(configOf(policy));
  try {
    return await remote.ask('findChanges', { roots, ...between }, signal);
  } catch (error) {
    if (limitProblem(error, specsDirOf(policy)) === undefined) throw error;
    return { configuration: true, directories: new Set() };
  }
}

/** The merge base of a branch and a commit. Undefined when they share no history, or the branch does not exist. */
export async function findMergeBase(
  { repository, branches }: RemoteRepository,
  branch: string,
  commit: string,
  { signal }: Ending,
): Promise<string | undefined> {
  const head = await branches.fetchedHead(branch);
  if (head === undefined) return undefined;
  const { yes, stdout } = await repository.git.until(signal).ask('merge-base', head, commit);
  return yes ? stdout.trim() : undefined;
}

/** Finds the specs and configuration that a commit changes since its merge base with a branch. */
export async function findChangesSince(
  remote: RemoteRepository,
  policy: EffectiveConfig,
  { branch, commit }: { readonly branch: string; readonly commit: string },
  services: Ending,
): Promise<SpecChanges> {
  const before = await findMergeBase(remote, branch, commit, services);
  return findSpecChanges(remote, policy, { before, after: commit }, services);
}

/** A plan of a commit under the effective configuration. */
export interface CommitPlan extends PlannedCommit {
  readonly commit: string;
  readonly policy: EffectiveConfig;
}

/** Plans a commit, which must be in the copy or in a fetchable branch. Reaching a limit gives a plan with that problem. */
export async function readPlan(
  { known }: OpenRepository,
  remote: RemoteRepository,
  asked: Pick<
    PlanCommitInput,
    'commit' | 'target' | 'policy' | 'planned' | 'changed' | 'changesConfig' | 'comment'
  >,
  {
    database,
    policy: { provider, allowedProviders, missingProviders },
    signal,
  }: Pick<HandlerServices, 'database' | 'policy' | 'signal'>,
): Promise<CommitPlan> {
  const { commit, target, policy } = asked;
  await fetchCommit(remote, commit, signal);
  const records = await listRecords(database, known.id, target);
  const pulls = await listUnitPulls(database, known.id, target);
  const input: PlanCommitInput = {
    ...asked,
    ownBranches: [...(await remote.repository.branchHeads('choo', signal)).keys()],
    provider,
    allowedProviders,
    missingProviders: missingProviders?.() ?? new Map(),
    done: new Map(
      [...records].map(([id, { key, verified, outcome }]) => [
        id,
        {
          key,
          outcome,
          pull: pulls.get(id)?.number ?? null,
          stands: outcome === 'merged' || (verified && outcome !== 'reverted'),
        },
      ]),
    ),
    elsewhere: await findElsewhere(),
    branches: await listSpecBranches(
      remote,
      { commit, target, defaultBranch: known.defaultBranch, changed: asked.changed },
      signal,
    ),
  };
  try {
    return { ...(await remote.ask('plan', input, signal)), commit, policy };
  } catch (error) {
    const problem = limitProblem(error, specsDirOf(policy));
    if (problem === undefined) throw error;
    const plan = makePlan({
      discovery: discoverNothing(problem),
      configuration: { config: configOf(policy), file: undefined, problems: [] },
      source: { kind: 'commit', name: commit, commit },
    });
    return { ...describePlan(plan, input), commit, policy };
  }

  /** Results that go to other branches. */
  async function findElsewhere(): Promise<PlanCommitInput['elsewhere']> {
    const work = await listWorkElsewhere(database, known.id, target);
    return work.map(({ branch, ...rest }) => ({
      ...rest,
      isSameBranch: branch === unitBranch({ target, directory: '' }, rest.unit),
    }));
  }
}

export function configOf(policy: EffectiveConfig): typeof DEFAULT_CONFIG {
  return (policy.kind === 'holds' ? policy.configuration.config : undefined) ?? DEFAULT_CONFIG;
}

/** The directory of the units under the effective configuration. */
function specsDirOf(policy: EffectiveConfig): string {
  return configOf(policy).specs_dir;
}
