import { mkdir } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import { ChooError } from '../../errors.ts';
import type { Unit } from '../../discovery/unit.ts';
import type { EventBody } from '../../events/event.ts';
import type { ReviewRequest } from '../../events/review-request.ts';
import { advanceUnit, newUnit, type UnitProgress } from '../../events/unit-progress.ts';
import { unitBranch } from '../../git/branches.ts';
import { OWN_SIGNATURE, type Signature } from '../../git/objects/commit.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Database } from '../../store/database/database.ts';
import type { Listener } from '../../store/database/notifications.ts';
import type { Claim, ClaimReporter } from '../../store/runs/claim.ts';
import { PostgresStore } from '../../store/runs/postgres.ts';
import { pauseProvider, pausedUntil } from '../../store/runs/provider-pauses.ts';
import { readDependencies, readServerRun, readUnitEvents } from '../../store/runs/run-reader.ts';
import { hasOpenUpdate } from '../../store/runs/updates.ts';
import { removeTree } from '../../system/remove-tree.ts';
import type { Agent } from '../../worker/agent/agent.ts';
import { UNREACHABLE_MS } from '../../worker/unit-branch.ts';
import { type RateLimitPolicy, DEFAULT_RATE_LIMIT_POLICY } from '../../worker/unit-job.ts';
import { EventBatches } from '../event-batches.ts';
import { endEvent, runClaim } from '../run-claim.ts';
import { runUpdate } from '../update-run.ts';
import { OutputSink } from './output-sink.ts';
import { checkPullEnd } from './pull-end.ts';
import type { RemoteRepository } from './remote-repositories.ts';
import { claimDirectory, type RunContext, type ServerContexts } from './server-context.ts';
import { SharedBudget, spendingLimits } from './shared-budget.ts';

/** Longest delay before a unit is claimed again whose branch is being updated: the end of the update wakes it. Milliseconds. */
const UPDATE_POLL_MS = 60_000;

/** Services of a server, shared by all runs. */
export interface ServerServices {
  readonly database: Database;
  readonly listener: Listener;
  readonly contexts: ServerContexts;
  readonly sandbox: Sandbox;
  /** The agents that this server allows a configuration. */
  readonly agentsOf: (config: Config) => (provider: string) => Agent;
  readonly redact: (text: string) => string;
  readonly secretForms: readonly Buffer[];
  /** The operator's credentials for the set-up of a remote's repository; see {@link WorkerServices}. */
  readonly setUpSecretsOf?: ((remote: string) => Readonly<Record<string, string>>) | undefined;
  readonly rateLimits?: RateLimitPolicy;
  /** Whether a run may start its first unit; undefined: every run may. */
  readonly approve?: ((run: string) => Promise<Approval>) | undefined;
  /** The signature of a run's commits; undefined: choo's own. */
  readonly signatureOf?: ((run: SignedRun) => Promise<Signature | undefined>) | undefined;
  /** What reviews said of a unit that started over in a run; undefined: there are no reviews here. */
  readonly readFeedback?: ((run: string, unit: string) => Promise<ReviewRequest | undefined>) | undefined;
  /** The content of a round of review; undefined: there are none here. */
  readonly readRound?: ((round: string) => Promise<ReviewRequest | undefined>) | undefined;
}

/** A run, for its signature. */
export interface SignedRun {
  readonly run: string;
  /** choo's own number of its repository. */
  readonly repository: string;
  /** The name of who asked for it. */
  readonly actor: string | null;
}

/** Whether a run may start. `until`: milliseconds since 1970. */
export type Approval =
  | { readonly kind: 'yes' }
  | { readonly kind: 'later'; readonly until: number; readonly reason: string }
  | { readonly kind: 'no'; readonly reason: string };

/**
 * Works on one claimed unit of a server's run:
 *
 * 1. checks that its run may start, that its provider is not paused, and that no update works on its branch;
 * 2. fetches the remote, and reads the unit's progress and record;
 * 3. runs the claim as every engine does: {@link runClaim}; or that of an update: {@link runUpdate}.
 *
 * Returns the event that ends the claim.
 */
export async function workOnClaim(
  { run, unit, claim }: Claim,
  {
    report,
    signal,
    shouldReleaseSlot,
    taskCompleted,
  }: ClaimReporter & { readonly taskCompleted: () => void },
  services: ServerServices,
): Promise<EventBody> {
  const { database, contexts } = services;
  const context = await contexts.runOf(run);
  const { config } = context;
  const start = { ...context.start, target: (await readServerRun(database, run)).target };
  const planned = start.units.find(({ id }) => id === unit);
  const specs = await contexts.unitOf(run, unit, signal);
  const also: Unit[] = [];
  for (const other of start.update?.also ?? []) {
    const merged = await contexts.unitOf(run, other, signal);
    if (merged !== undefined) also.push(merged); // otherwise of other specs, whose gates are not known here
  }
  if (planned === undefined || specs === undefined)
    throw new ChooError('internal', `unit \`${unit}\` is not among those of run ${run}`);
  const approval = (await services.approve?.(run)) ?? { kind: 'yes' };
  if (approval.kind === 'later') return released(unit, approval.reason, approval.until);
  if (approval.kind === 'no') return released(unit, approval.reason);
  const { update } = start;
  if (update === null || update.work !== null) {
    const until = await pausedUntil(database, { run, provider: planned.provider });
    if (until !== undefined) return released(unit, `${planned.provider} is paused`, until);
  }
  const isBusy =
    update === null &&
    (await hasOpenUpdate(database, { repository: context.repository, target: start.target, unit }));
  if (isBusy) return released(unit, 'its branch is being brought up to date', Date.now() + UPDATE_POLL_MS);

  const store = new PostgresStore(database, services.listener, context.repository);
  const record = await store.record(start.target, unit);
  // A unit whose run moved here from another target keeps its branch.
  const branch = record?.branch ?? unitBranch(start, unit);
  const reached = await reach(context, branch, contexts);
  if (reached.kind === 'unreachable') return released(unit, reached.reason, Date.now() + UNREACHABLE_MS);
  using remote = reached.remote;
  const { branchHead } = reached;
  const { worktrees } = remote;
  // An update has no request of its own: it is made for who asked for the work.
  const asked = update?.work == null ? run : (record?.run ?? run);
  const signedRun = { run: asked, repository: context.repository, actor: start.actor };
  const signature = (await services.signatureOf?.(signedRun)) ?? OWN_SIGNATURE;
  const repository = remote.repository.signedBy({ ...signature, signOff: config.commits.sign_off });
  const logDirectory = claimDirectory(remote, run, claim, unit);
  await mkdir(logDirectory, { recursive: true, mode: 0o755 });
  await using log = new OutputSink(database, { run, unit });
  const batches = new EventBatches(report, services.redact);
  const claimed = { start, config, unit: specs, claim, branch, branchHead, record };
  const shared = {
    ...services,
    repository,
    worktrees,
    logDirectory,
    scratch: logDirectory,
    openLog: () => log,
    keepWorktree: false,
    setUpSecrets: start.remote === null ? undefined : services.setUpSecretsOf?.(start.remote),
    signal,
    shouldReleaseSlot,
  };
  const sink = {
    append: (event: EventBody) => batches.append(event),
    recorded: async () => batches.recorded(),
  };
  try {
    const events = await readUnitEvents(database, { run, unit });
    const progress = events.reduce<UnitProgress>(
      (unit, event) => ('unit' in event ? advanceUnit(unit, event) : unit),
      newUnit(planned),
    );
    const limits = spendingLimits(start.limits, contexts.ceilings);
    const spender = { run, unit, claim, updates: update === null ? undefined : record?.run };
    const budget = new SharedBudget(database, spender, limits);
    const rateLimits = services.rateLimits ?? DEFAULT_RATE_LIMIT_POLICY;
    const hold = async (until: number): Promise<void> =>
      pauseProvider(database, { run, provider: planned.provider, until });
    if (update !== null) {
      const hasAnswered = events.some(({ type }) => type === 'unit.answered');
      const findAgent = (): Agent => services.agentsOf(config)(planned.provider);
      const readRound = async (round: string) => services.readRound?.(round);
      return await runUpdate(
        { ...claimed, update, also, earlier: { progress, hasAnswered } },
        { ...shared, ...sink, agents: { findAgent, budget, rateLimits, readRound, hold } },
      );
    }
    const dependsOn = await readDependencies(database, { run, unit });
    const place = { repository: context.repository, target: start.target, unit };
    const readRecord = async () => store.record(start.target, unit);
    return await runClaim(
      { ...claimed, progress, dependsOn, feedback: await services.readFeedback?.(run, unit) },
      {
        ...shared,
        store,
        agentOf: services.agentsOf(config),
        rateLimits,
        budget,
        refusal: async () => budget.refusal(),
        checkEnd: async (commit) => checkPullEnd(place, commit, { database, repository, readRecord }),
        taskCompleted,
      },
      { ...sink, hold },
    );
  } finally {
    await removeTree(logDirectory);
  }
}

/** Opens and fetches the remote. Being unreachable is not the unit's failure. */
async function reach(
  context: RunContext,
  branch: string,
  { remotes }: ServerContexts,
): Promise<
  | { readonly kind: 'reached'; readonly remote: RemoteRepository; readonly branchHead: string | undefined }
  | { readonly kind: 'unreachable'; readonly reason: string }
> {
  let remote: RemoteRepository | undefined;
  try {
    remote = await remotes.open(context.repository);
    await remote.branches.fetch();
    return { kind: 'reached', remote, branchHead: await remote.repository.branchHead(branch) };
  } catch (error) {
    remote?.[Symbol.dispose]();
    if (!(error instanceof ChooError) || error.code !== 'environment') throw error;
    return { kind: 'unreachable', reason: error.message };
  }
}

function released(unit: string, reason: string, until: number | null = null): EventBody {
  return endEvent(unit, { kind: 'released', reason, until });
}
