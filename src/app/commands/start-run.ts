import type { ProviderName } from '../../config/schema.ts';
import { ChooError, type ErrorCode } from '../../errors.ts';
import { submitRun } from '../../orchestrator/server/submit.ts';
import type { Planner } from '../planning/planner.ts';
import { findChangesSince, readPolicy } from '../planning/commit-plan.ts';
import { findUnreviewed } from '../planning/required-review.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import { demandPushes } from '../repository/permissions.ts';
import { saveReviewsFor } from '../reviews/save-feedback.ts';
import { readStackWay } from '../repository/stack-way.ts';
import type { Account } from '../repository/payloads.ts';

/** A request for a run. The actor's permission was checked. */
export interface RunRequest {
  readonly repository: OpenRepository;
  /** Identifies the request across repeated deliveries, so that it starts one run. */
  readonly source: string;
  readonly actor: Account;
  /** The commit of the specs, and the branch that results go to. */
  readonly at: { readonly commit: string; readonly target: string };
  /** The thread of its status comment; null: the run shows in its plan's check. */
  readonly thread: number | null;
  readonly isPull: boolean;
  /** The base branch of an open pull request: only units that differ from it are run. */
  readonly comparedWith?: string;
  readonly units?: readonly string[];
  readonly provider?: ProviderName | undefined;
  readonly forceProvider?: ProviderName | undefined;
  /** The units start over. */
  readonly fresh?: boolean;
}

/** The run, or the reason for the actor why there is none. */
export type StartResult =
  | { readonly kind: 'started'; readonly run: string; readonly waits: boolean }
  | { readonly kind: 'refused'; readonly reason: string; readonly hint?: string | undefined };

/** Submits a run. What prevents it is an answer, not an error, except for a MissingPermissionError. */
export async function startRun(
  request: RunRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<StartResult> {
  const { repository, at, actor, thread, isPull } = request;
  await demandPushes(services, repository.known.installation);
  using remote = await repository.openRemote();
  const policy = await readPolicy(repository, remote, services);
  if (policy.kind === 'none')
    return refused('the configuration on the default branch has errors, and no earlier one is without');
  const branch = request.comparedWith;
  const changes = branch && (await findChangesSince(remote, policy, { branch, commit: at.commit }, services));
  const { runnable, errors, changedUnfinished } = await planner.read(repository, {
    ...at,
    policy,
    ...(changes ? { changed: changes.directories } : {}),
  });
  if (!runnable) {
    return refused(
      `the plan of ${at.commit.slice(0, 12)} has ${errors} error${errors === 1 ? '' : 's'}; its check names them`,
    );
  }
  // On an open pull request the unfinished units that it changes; elsewhere all unfinished units.
  const units = request.units ?? (branch === undefined ? undefined : changedUnfinished);
  if (units?.length === 0) return refused('nothing that this pull request changes is unfinished');
  const unreviewed = await findUnreviewed({ ...at, policy }, repository, remote, services);
  if (unreviewed !== undefined) return refused(unreviewed.reason, unreviewed.hint);
  const { fresh = false } = request;
  // Before there is a run whose prompts need them.
  const as = fresh
    ? await saveReviewsFor(repository, { target: at.target, units: units ?? [], actor }, services)
    : undefined;
  try {
    const submitted = await submitRun(
      {
        repository: repository.known.id,
        remote: repository.known.remote,
        actor: actor.login,
        at: { ...at, configCommit: policy.commit },
        units,
        candidates: {
          forced: request.forceProvider,
          request: request.provider,
          environment: services.policy.provider,
        },
        allowedProviders: services.policy.allowedProviders,
        sandbox: services.policy.sandbox,
        fresh,
        as,
        source: request.source,
        stack: await readStackWay(repository, at.target),
        report: { thread, isPull, base: at.target, actorId: actor.type === 'User' ? actor.id : null },
      },
      services,
    );
    if (submitted.kind === 'run') return { kind: 'started', run: submitted.run, waits: submitted.waits };
    if (submitted.kind === 'nothing') return refused('every unit is complete in the specs');
    const [first] = submitted.plan.problems.list;
    return refused(first?.message ?? 'the plan cannot run', first?.hint);
  } catch (error) {
    if (!(error instanceof ChooError) || !REFUSALS.has(error.code)) throw error;
    return refused(error.message, error.hint);
  }
}

/** Errors that prevent a run and are shown to the actor. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['usage', 'conflict', 'limit']);

function refused(reason: string, hint?: string): StartResult {
  return { kind: 'refused', reason, hint };
}
