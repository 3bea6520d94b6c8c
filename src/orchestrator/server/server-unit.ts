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
import { endOfRefusal } from '../../worker/refusal.ts';
import { UNREACHABLE_MS } from '../../worker/unit-branch.ts';
import { type Patience, PATIENCE, type UnitEnd } from '../../worker/unit-job.ts';
import { mapTexts, Recorder } from '../recorder.ts';
import type { Dependency } from '../start-question.ts';
import { workOnUnit } from '../unit-run.ts';
import { isSatisfied } from '../unit-start.ts';
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
type Approval =
  | { readonly kind: 'yes' }
  | { readonly kind: 'later'; readonly until: number; readonly reason: string }
  | { readonly kind: 'no'; readonly reason: string };

/**
 * One unit of a server's run, from its claim to how it ended:
 *
 * 1. whether its run may start at all, by whoever asked for it;
 * 2. the remote is fetched, and what happened to the unit before is read;
 * 3. work that was verified before, and stands as it was, is satisfied;
 * 4. with the budget of the day used up, it waits for the next one;
 * 5. else a worker does it, and tells what happens as it happens.
 */
export async function workOnClaim(
  { run, unit, claim }: Claim,
  { tell, signal, returnsSlot, taskCompleted }: Teller & { readonly taskCompleted: () => void },
  services: ServerServices,
): Promise<readonly EventBody[]> {
  const { database, contexts } = services;
  const context = await contexts.runOf(run);
  const { config } = context;
  const start = { ...context.start, target: (await readServerRun(database, run)).target };
  const planned = start.units.find(({ id }) => id === unit);
  const specs = await contexts.unitOf(run, unit, signal);
  if (planned === undefined || specs === undefined)
    throw new ChooError('internal', `unit \`${unit}\` is not among those of run ${run}`);
  const approval = (await services.approve?.(run)) ?? { kind: 'yes' };
  if (approval.kind === 'later') return [released(unit, approval.reason, approval.until)];
  if (approval.kind === 'no') return [released(unit, approval.reason)];
  const until = await heldUntil(database, { run, provider: planned.provider });
  if (until !== undefined) return [released(unit, `${planned.provider} takes nothing`, until)];

  const store = new PostgresStore(database, services.listener, context.repository);
  const record = await store.record(start.target, unit);
  // Where its work is; one that came from another target keeps its branch.
  const branch = record?.branch ?? unitBranch(start, unit);
  const reached = await reach(context, branch, contexts);
  if (reached.kind === 'unreachable') return [released(unit, reached.reason, Date.now() + UNREACHABLE_MS)];
  using place = reached.place;
  const { branchHead } = reached;
  const { repository, worktrees } = place;
  let progress = (await readUnitEvents(database, { run, unit })).reduce<UnitProgress>(
    (unit, event) => ('unit' in event ? advanceUnit(unit, event) : unit),
    newUnit(planned),
  );
  const dependencies = await dependenciesOf(database, { run, unit });
  const starts = progress.fresh || (start.fresh.includes(unit) && progress.claim === 0);
  if (!starts && record?.key === planned.key) {
    if (record.outcome === 'merged') return [{ type: 'unit.satisfied', unit, head: null }];
    if (record.outcome === 'rejected') return [rejected(unit, branchHead ?? null)];
  }
  if (branchHead !== undefined && !starts && isSatisfied(record, planned.key, branchHead, dependencies))
    return [{ type: 'unit.satisfied', unit, head: branchHead }];

  const limits = spendingLimits(start.limits, contexts.ceilings);
  const budget = new SharedBudget(database, { run, unit, claim }, limits);
  const refusal = await budget.refusal();
  // Until tomorrow nothing is prepared, either. What a run or unit has left is asked when an agent is to start.
  if (refusal !== undefined && refusal.until !== null)
    return [endEvent(unit, endOfRefusal(refusal), progress.head)];

  const logDirectory = claimDirectory(place, run, claim, unit);
  await mkdir(logDirectory, { recursive: true, mode: 0o755 });
  await using log = new OutputSink(database, { run, unit });
  const recorder = new Recorder(
    { append: async (_run, _seq, events) => (await tell(events), []) },
    run,
    undefined,
    {
      redact: services.redact,
      onEvents: () => {},
      onFailure: () => {},
    },
  );
  let head = progress.head;
  const note = (event: EventBody): void => {
    if (event.type === 'unit.started') head = event.pushed;
    if (event.type === 'branch.pushed') head = event.head;
    recorder.note(event);
  };
  try {
    const end = await workOnUnit(
      {
        order: { start, before: undefined, units: [specs], config, keepWorktrees: false },
        unit: specs,
        progress,
        claim,
        branch,
        branchHead,
        dependencies,
      },
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
        signal,
        returnsSlot,
        note,
        recorded: () => recorder.recorded(),
        taskCompleted,
        onEvents: () => {},
        onActivity: () => {},
      },
    );
    await recorder.recorded();
    if (end.kind === 'released' && end.until !== null && end.ofBudget !== true)
      await holdProvider(database, { run, provider: planned.provider, until: end.until });
    return [mapTexts(endEvent(unit, end, head), services.redact)];
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

function endEvent(unit: string, end: UnitEnd, head: string | null): EventBody {
  switch (end.kind) {
    case 'complete':
      return { type: 'unit.completed', unit, head: end.head, verified: end.verified };
    case 'released':
      return released(unit, end.reason, end.until);
    case 'failed': {
      const { failure, message, hint } = end;
      return { type: 'unit.failed', unit, failure, message, hint: hint ?? null, head };
    }
    default:
      return end satisfies never;
  }
}

/** Somebody closed its pull request: that is an answer, until somebody asks for another one. */
function rejected(unit: string, head: string | null): EventBody {
  const message = 'its pull request was closed without being merged';
  const hint = `change its specs, or retry \`${unit}\` to propose the same again`;
  return { type: 'unit.failed', unit, failure: 'needs-human', message, hint, head };
}

function released(unit: string, reason: string, until: number | null = null): EventBody {
  return { type: 'unit.released', unit, reason, until };
}

/** A dependency that was left out, or is in the target already, has no head. */
async function dependenciesOf(
  database: Database,
  claim: { readonly run: string; readonly unit: string },
): Promise<readonly Dependency[]> {
  const rows = await readDependencies(database, claim);
  return rows.flatMap(({ id, state, head }) => (state === 'complete' && head !== null ? [{ id, head }] : []));
}
