import type { Config, ProviderName } from '../../config/schema.ts';
import { ChooError } from '../../errors.ts';
import type { Submission } from '../../plan-thread/prepare-submission.ts';
import type { Problem } from '../../problems/problem.ts';
import type { ProviderCandidates } from '../../provider/factory.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { insertReport, type NewReport } from '../../store/github/reports.ts';
import type { RunStore } from '../../store/runs/run-store.ts';
import { newRunId } from '../run-start.ts';
import type { RemoteRepository } from './remote-repositories.ts';
import { fetchCommit, type ServerContexts, type ServerPlan } from './server-context.ts';

/** A request to run a repository's specs on a server. */
export interface SubmitRequest {
  /** choo's own number of the repository. */
  readonly repository: string;
  /** Its current address, for display. */
  readonly remote: string;
  /** The id of the run; by default a new one. */
  readonly as?: string | undefined;
  /** The actor's name. */
  readonly actor: string;
  /** A branch or a commit; undefined: the default branch. */
  readonly ref?: string | undefined;
  /** What `ref` would resolve to, when already known: a commit, and the branch that results go to. */
  readonly at?: { readonly commit: string; readonly target: string; readonly configCommit: string };
  readonly units?: readonly string[] | undefined;
  readonly candidates: Pick<ProviderCandidates, 'forced' | 'request' | 'environment'>;
  readonly allowedProviders: readonly ProviderName[] | undefined;
  /** The sandbox of the workers, recorded for display. */
  readonly sandbox: Sandbox['kind'];
  readonly fresh?: boolean;
  /** How the repository wants its branches, where its configuration does not say. */
  readonly stack?: Config['stack'];
  /** Identifies the request, so that it starts one run; see the run store. */
  readonly source?: string;
  /** Where the run is published; undefined: nowhere. */
  readonly report?: NewReport;
}

export interface SubmitServices {
  readonly runStore: RunStore;
  readonly contexts: ServerContexts;
  /** Cancels git and planning. */
  readonly signal?: AbortSignal | undefined;
}

/** A run, or a plan whose problems prevent one. */
export type Submitted =
  | {
      readonly kind: 'run';
      readonly run: string;
      readonly waits: boolean;
      /** Number of units. */
      readonly units: number;
      readonly clamps: readonly Problem[];
    }
  | Exclude<Submission, { readonly kind: 'start' }>;

/**
 * Reads a remote and submits a run: the specs of the requested commit, with the configuration of the default branch. Throws a
 * ChooError (`usage`, `git`, `conflict`, `limit`) when they cannot be read or may not run now.
 */
export async function submitRun(request: SubmitRequest, services: SubmitServices): Promise<Submitted> {
  const { repository, remote } = request;
  using copy = await services.contexts.remotes.open(repository);
  const { signal } = services;
  await copy.branches.fetch(signal);
  const { target, commit, configCommit } = request.at ?? (await resolve(copy, request.ref, signal));
  for (const each of [commit, configCommit]) await fetchCommit(copy, each, signal);
  const submission = await copy.ask(
    'prepare',
    {
      run: request.as ?? newRunId(),
      commit,
      configCommit,
      name: request.ref ?? target,
      branch: target,
      target: request.at?.target ?? null,
      ceilings: services.contexts.ceilings,
      ownBranches: [...(await copy.repository.branchHeads('choo', signal)).keys()],
      units: request.units,
      candidates: request.candidates,
      allowedProviders: request.allowedProviders,
      fresh: request.fresh === true,
      sandbox: request.sandbox,
      actor: request.actor,
      remote,
      ...(request.stack !== undefined && { stack: request.stack }),
    },
    signal,
  );
  if (submission.kind !== 'start') return submission;
  const { start } = submission;
  refuseTooMany(start.units.length, services.contexts.ceilings.CHOO_MAX_RUN_UNITS);
  const more: ServerPlan = { configCommit };
  const { source, report } = request;
  const { run, waits } = await services.runStore.submit({
    repository,
    start,
    plan: more,
    ...(source === undefined ? {} : { source }),
    ...(report === undefined
      ? {}
      : { alongside: async (trx) => insertReport(trx, { run: start.run, repository, ...report }) }),
  });
  return { kind: 'run', run, waits, units: start.units.length, clamps: submission.clamps };
}

/** Each unit costs at least a check, a pull request, and a row that every claim reads. */
function refuseTooMany(units: number, most: number): void {
  if (units <= most) return;
  const message = `the run would have ${units} units, and the operator allows ${most} (CHOO_MAX_RUN_UNITS)`;
  throw new ChooError('usage', message, { hint: 'name some of them; their dependencies are included' });
}

interface Resolved {
  readonly target: string;
  readonly commit: string;
  readonly configCommit: string;
}

async function resolve(
  { repository, branches }: RemoteRepository,
  ref: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Resolved> {
  const defaultBranch = await branches.defaultBranch(signal);
  if (defaultBranch === undefined)
    throw new ChooError('usage', 'the remote has no default branch', { hint: 'push a branch to it first' });
  const configCommit = await branches.fetchedHead(defaultBranch);
  if (configCommit === undefined)
    throw new ChooError('git', `the remote's default branch \`${defaultBranch}\` could not be fetched`);
  if (ref === undefined) return { target: defaultBranch, commit: configCommit, configCommit };
  const head = await branches.fetchedHead(ref);
  if (head !== undefined) return { target: ref, commit: head, configCommit };
  const isCommit = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(ref);
  const [found] = isCommit ? await repository.reader.info([ref]) : [];
  if (found?.type === 'commit') return { target: defaultBranch, commit: ref, configCommit };
  throw new ChooError('usage', `the remote has no branch or commit \`${ref}\``, {
    hint: 'name a branch, or a commit with its whole id',
  });
}
