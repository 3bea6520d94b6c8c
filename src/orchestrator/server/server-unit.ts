import { mkdir } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import { ChooError } from '../../errors.ts';
import type { EventBody } from '../../events/event.ts';
import { advanceUnit, newUnit, type UnitProgress } from '../../events/unit-progress.ts';
import { unitBranch } from '../../git/branches.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Database } from '../../store/database/database.ts';
import type { Listener } from '../../store/database/listener.ts';
import type { Claim, Teller } from '../../store/runs/claim.ts';
import { PostgresStore } from '../../store/runs/postgres.ts';
import {
  heldUntil,
  holdProvider,
  readDependencies,
  readServerRun,
  readUnitEvents,
} from '../../store/runs/server-runs.ts';
import { removeTree } from '../../system/remove-tree.ts';
import type { Agent } from '../../worker/agent/agent.ts';
import { UNREACHABLE_MS } from '../../worker/unit-branch.ts';
import { type Patience, PATIENCE } from '../../worker/unit-job.ts';
import { EventBatches } from '../event-batches.ts';
import { endEvent, runClaim } from '../run-claim.ts';
import { OutputSink } from './output-sink.ts';
import type { RemotePlace } from './remote-places.ts';
import { claimDirectory, type RunContext, type ServerContexts } from './server-context.ts';
import { SharedBudget, spendingLimits } from './shared-budget.ts';

/** What a server works with, whatever the run. */
export interface ServerServices {
  readonly database: Database;
  readonly listener: Listener;
  readonly contexts: ServerContexts;
  readonly sandbox: Sandbox;
  /** The agents that a configuration may have on this server. */
  readonly agentsOf: (config: Config) => (provider: string) => Agent;
  readonly redact: (text: string) => string;
  readonly secretForms: readonly Buffer[];
  readonly patience?: Patience;
  /** Whether a run may start its first unit; undefined: every run may. */
  readonly approve?: ((run: string) => Promise<Approval>) | undefined;
}

/** Whether a run may start. `until`: milliseconds since 1970. */
export type Approval =
  | { readonly kind: 'yes' }
  | { readonly kind: 'later'; readonly until: number; readonly reason: string }
  | { readonly kind: 'no'; readonly reason: string };

/**
 * One unit of a server's run, from its claim to how it ended:
 *
 * 1. whether its run may start at all, and its provider takes work;
 * 2. the remote is fetched, and what happened to the unit before is read;
 * 3. the rest is what happens to every claimed unit: {@link runClaim}.
 *
 * Returns the event that ends the claim.
 */
export async function workOnClaim(
  { run, unit, claim }: Claim,
  { tell, signal, returnsSlot, taskCompleted }: Teller & { readonly taskCompleted: () => void },
  services: ServerServices,
): Promise<EventBody> {
  const { database, contexts } = services;
  const context = await contexts.runOf(run);
  const { config } = context;
  const start = { ...context.start, target: (await readServerRun(database, run)).target };
  const planned = start.units.find(({ id }) => id === unit);
  const specs = await contexts.unitOf(run, unit, signal);
  if (planned === undefined || specs === undefined)
    throw new ChooError('internal', `unit \`${unit}\` is not among those of run ${run}`);
  const approval = (await services.approve?.(run)) ?? { kind: 'yes' };
  if (approval.kind === 'later') return released(unit, approval.reason, approval.until);
  if (approval.kind === 'no') return released(unit, approval.reason);
  const until = await heldUntil(database, { run, provider: planned.provider });
  if (until !== undefined) return released(unit, `${planned.provider} takes nothing`, until);

  const store = new PostgresStore(database, services.listener, context.repository);
  const record = await store.record(start.target, unit);
  // Where its work is; one that came from another target keeps its branch.
  const branch = record?.branch ?? unitBranch(start, unit);
  const reached = await reach(context, branch, contexts);
  if (reached.kind === 'unreachable') return released(unit, reached.reason, Date.now() + UNREACHABLE_MS);
  using place = reached.place;
  const { branchHead } = reached;
  const { repository, worktrees } = place;
  const progress = (await readUnitEvents(database, { run, unit })).reduce<UnitProgress>(
    (unit, event) => ('unit' in event ? advanceUnit(unit, event) : unit),
    newUnit(planned),
  );
  const dependsOn = await readDependencies(database, { run, unit });
  const limits = spendingLimits(start.limits, contexts.ceilings);
  const budget = new SharedBudget(database, { run, unit, claim }, limits);
  const logDirectory = claimDirectory(place, run, claim, unit);
  await mkdir(logDirectory, { recursive: true, mode: 0o755 });
  await using log = new OutputSink(database, { run, unit });
  const batches = new EventBatches(tell, services.redact);
  try {
    return await runClaim(
      { start, config, unit: specs, progress, claim, branch, branchHead, record, dependsOn },
      {
        ...services,
        store,
        repository,
        worktrees,
        agentOf: services.agentsOf(config),
        logDirectory,
        scratch: logDirectory,
        openLog: () => log,
        patience: services.patience ?? PATIENCE,
        budget,
        refusal: async () => budget.refusal(),
        keepWorktree: false,
        signal,
        returnsSlot,
        taskCompleted,
      },
      {
        note: (event) => batches.note(event),
        recorded: async () => batches.recorded(),
        hold: async (until) => holdProvider(database, { run, provider: planned.provider, until }),
      },
    );
  } finally {
    await removeTree(logDirectory);
  }
}

/** Brings here what the remote holds now. One that cannot be reached is nobody's failure. */
async function reach(
  context: RunContext,
  branch: string,
  { places }: ServerContexts,
): Promise<
  | { readonly kind: 'reached'; readonly place: RemotePlace; readonly branchHead: string | undefined }
  | { readonly kind: 'unreachable'; readonly reason: string }
> {
  let place: RemotePlace | undefined;
  try {
    place = await places.open(context.repository);
    await place.branches.fetch();
    return { kind: 'reached', place, branchHead: await place.repository.branchHead(branch) };
  } catch (error) {
    place?.[Symbol.dispose]();
    if (!(error instanceof ChooError) || error.code !== 'environment') throw error;
    return { kind: 'unreachable', reason: error.message };
  }
}

function released(unit: string, reason: string, until: number | null = null): EventBody {
  return endEvent(unit, { kind: 'released', reason, until });
}
