import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../../config/schema.ts';
import type { Unit } from '../../discovery/unit.ts';
import { coerceError } from '../../errors.ts';
import type { RunEvent } from '../../events/event.ts';
import { foldEvents, type RunState } from '../../events/state.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import type { Signature } from '../../git/objects/commit.ts';
import { type RepositoryPaths, Repository, repositoryHome, scratchDirectory } from '../../git/repository.ts';
import { WorktreeManager } from '../../git/worktree.ts';
import type { Plan } from '../../plan/schema.ts';
import { endLeftovers } from '../../sandbox/host.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { changeOf } from '../../scheduler/run-control.ts';
import { acquireLock, type LockOwner } from '../../store/journal/journal-lock.ts';
import { Journal } from '../../store/journal/journal.ts';
import { type RunRequest, serveRequests } from '../../store/journal/run-requests.ts';
import { readRunState } from '../../store/journal/run-state.ts';
import { removeTree } from '../../system/remove-tree.ts';
import type { Agent } from '../../worker/agent/agent.ts';
import { createRedactor, secretForms } from '../../worker/secrets.ts';
import { type RateLimitPolicy, DEFAULT_RATE_LIMIT_POLICY } from '../../worker/unit-job.ts';
import { openLogFile } from '../../worker/unit-log.ts';
import type { RunInput, RunServices } from '../run-input.ts';
import { describeStart, newRunId } from '../run-start.ts';
import { askOwner } from './ask-owner.ts';
import { decideRequest } from './decide-request.ts';
import { Orchestrator } from './orchestrator.ts';

/** Services that execute a run on this machine. */
export interface LocalServices {
  readonly units: readonly Unit[];
  readonly config: Config;
  readonly place: RepositoryPaths;
  readonly parallelism: number;
  readonly limits: OrchStarted['limits'];
  readonly keepWorktrees: boolean;
  readonly sandbox: Sandbox;
  readonly dataDirectory: string;
  readonly searchPath: string;
  readonly agentOf: (provider: string) => Agent;
  readonly secrets: readonly string[];
  /** See {@link RunServices}; they are among the secrets. */
  readonly setUpSecrets?: RunServices['setUpSecrets'];
  /** Of every commit. */
  readonly signature: Signature;
  readonly rateLimits?: RateLimitPolicy;
  readonly signal: AbortSignal;
  readonly onEvents: (events: readonly RunEvent[], state: RunState) => void;
  readonly onActivity: (unit: string, text: string) => void;
  /** Called when an earlier run is resumed. */
  readonly onResume: (state: RunState) => void;
}

/** Input of `choo run`, read and validated. */
export interface LocalRun extends LocalServices {
  readonly plan: Plan;
  readonly target: string;
  /** The commit that was read; see {@link OrchStarted}. */
  readonly commit: string;
  /** Ids of units that start over. */
  readonly fresh: ReadonlySet<string>;
}

/** A change of an earlier run; `units` and `config` are those of its commit. */
export interface LocalChange extends LocalServices {
  readonly run: string;
  readonly request: RunRequest;
  /** Called with the changed units once the change is decided. */
  readonly onChange: (units: readonly string[]) => void;
}

/** The owner mark of a repository's runs, of which only one is active at a time. */
export function ownerOf({ commonDirectory }: RepositoryPaths): string {
  return `choo-${createHash('sha256').update(commonDirectory).digest('hex').slice(0, 16)}`;
}

/**
 * Executes a plan in a local repository until it ends or the signal aborts. An interrupted run of the same plan is resumed.
 * Throws a ChooError (`conflict`) when another process runs in the repository.
 */
export async function runLocally(request: LocalRun): Promise<RunState> {
  const store = new Journal(request.place.commonDirectory);
  const start = describeLocalStart(request, newRunId());
  const unfinished = await findUnfinished(store, start);
  return carryOut(request, store, {
    run: unfinished?.start.run ?? start.run,
    decide: async () => {
      const before = await findUnfinished(store, start); // it may have ended before the lock was taken
      if (before === undefined) return { start, before };
      return { start: { ...start, run: before.start.run, fresh: before.start.fresh }, before };
    },
  });
}

/**
 * Changes a local run that no process executes, then executes it until it ends or the signal aborts. Throws a ChooError
 * (`usage`, `conflict`) when the change is refused, or another process runs in the repository.
 */
export async function changeLocally(request: LocalChange): Promise<RunState> {
  const { run, parallelism, limits, sandbox } = request;
  const store = new Journal(request.place.commonDirectory);
  return carryOut(request, store, {
    run,
    decide: async () => {
      const before = await readRunState(store, run);
      const change = changeOf(decideRequest(request.request, before));
      request.onChange(change.units);
      return {
        start: { ...before.start, parallelism, limits, sandbox: sandbox.kind },
        before,
        change,
      };
    },
  });
}

/** What to execute, decided while the lock is held. */
interface Intent {
  /** The run that the lock is taken for. */
  readonly run: string;
  readonly decide: () => Promise<Pick<RunInput, 'start' | 'before' | 'change'>>;
}

async function carryOut(request: LocalServices, store: Journal, intent: Intent): Promise<RunState> {
  const { place, searchPath, dataDirectory } = request;
  await using lock = await acquireLock(place.commonDirectory, intent.run);
  await using _store = store; // flushed while the lock is held
  const order = await intent.decide();
  await endLeftovers(ownerOf(place)); // before their worktrees are touched
  const home = repositoryHome(dataDirectory, place);
  const scratch = scratchDirectory(home);
  await removeTree(scratch); // what a killed run left there
  await using repository = await Repository.open(place, home, searchPath);
  const worktrees = new WorktreeManager(repository, searchPath);
  await worktrees.removeLeftovers();
  await repository.views?.prune();

  if (order.before !== undefined) request.onResume(order.before);
  const { run } = order.start;
  const logDirectory = dirname(store.unitLog(run, 'any'));
  await mkdir(logDirectory, { recursive: true, mode: 0o700 });
  const orchestrator = new Orchestrator(
    {
      ...order,
      units: request.units,
      config: request.config,
      keepWorktrees: request.keepWorktrees,
    },
    {
      ...request,
      store,
      repository: repository.signedBy(request.signature),
      worktrees,
      redact: createRedactor(request.secrets),
      secretForms: secretForms(request.secrets),
      logDirectory,
      openLog: (unit) => openLogFile(store.unitLog(run, unit)),
      scratch,
      rateLimits: request.rateLimits ?? DEFAULT_RATE_LIMIT_POLICY,
    },
  );
  await using _requests = serve(orchestrator, store.requestDirectory(run), lock.owner);
  return await orchestrator.run(request.signal); // await here: what it uses is disposed of on return
}

/** Serves requests of other processes for the run, until it is disposed of. */
function serve(orchestrator: Orchestrator, directory: string, owner: LockOwner): AsyncDisposable {
  const ended = new AbortController();
  const serving = serveRequests({ directory, owner, signal: ended.signal }, async (request) => {
    try {
      const units = await orchestrator.change(request);
      return units === undefined ? { kind: 'ended' } : { kind: 'done', units };
    } catch (error) {
      const { code, message, hint = null } = coerceError(error);
      return { kind: 'refused', code: code === 'usage' ? code : 'conflict', message, hint };
    }
  }).catch(() => {}); // without a watcher, the asking process times out
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await serving;
    },
  };
}

/**
 * Cancels a local run, or units of it: asks the process that executes it, or appends the events itself when there is none.
 * Returns the cancelled units. Throws a ChooError (`usage`, `conflict`) when they cannot be cancelled.
 */
export async function cancelLocally(
  place: RepositoryPaths,
  run: string,
  request: RunRequest,
): Promise<readonly string[]> {
  const { commonDirectory } = place;
  const asked = await askOwner({ commonDirectory, run }, request);
  if (asked.kind === 'done') return asked.units;
  await using _lock = await acquireLock(commonDirectory, run);
  await endLeftovers(ownerOf(place));
  await using store = new Journal(commonDirectory);
  const before = await readRunState(store, run);
  if (asked.units !== undefined && before.status === 'cancelled') return asked.units;
  const { units, events } = changeOf(decideRequest(request, before));
  await store.append(run, before.seq, events);
  return units;
}

/** The first event of a local run. */
export function describeLocalStart(request: LocalRun, run: string): OrchStarted {
  const { config, place, sandbox } = request;
  return describeStart(
    {
      ...request,
      directory: place.prefix,
      sandbox: sandbox.kind,
      verify: config.verify,
      actor: null,
      remote: null,
    },
    run,
  );
}

/** Whether a plan has unfinished units. */
export function hasWork(plan: Plan): boolean {
  return plan.waves.length > 0;
}

/**
 * Finds the newest run if it was interrupted and had the same plan. It knows which of its units start over: a request to start
 * others over needs a new run.
 */
async function findUnfinished(store: Journal, start: OrchStarted): Promise<RunState | undefined> {
  const [newest] = await store.runs(1);
  if (newest === undefined) return undefined;
  const state = foldEvents(await store.read(newest));
  if (state === undefined || (state.status !== 'running' && state.status !== 'interrupted')) return undefined;
  const work = describeWork(start, start.fresh.length === 0 ? state.start.fresh : start.fresh);
  return describeWork(state.start, state.start.fresh) === work ? state : undefined;
}

function describeWork({ target, commit, directory, units }: OrchStarted, fresh: readonly string[]): string {
  return JSON.stringify([target, commit, directory, units, fresh]);
}
