import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../../config/schema.ts';
import type { Unit } from '../../discovery/unit.ts';
import type { RunEvent } from '../../events/event.ts';
import { foldEvents, type RunState } from '../../events/state.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import { type RepositoryPlace, Repository, repositoryHome, scratchDirectory } from '../../git/repository.ts';
import { WorktreeManager } from '../../git/worktree.ts';
import type { Plan } from '../../plan/schema.ts';
import { endLeftovers } from '../../sandbox/host.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { acquireLock } from '../../store/journal/journal-lock.ts';
import { Journal } from '../../store/journal/journal.ts';
import { removeTree } from '../../system/remove-tree.ts';
import type { Agent } from '../../worker/agent/agent.ts';
import { createRedactor, secretForms } from '../../worker/secrets.ts';
import { type Patience, PATIENCE } from '../../worker/unit-job.ts';
import { openLogFile } from '../../worker/unit-log.ts';
import { describeStart, newRunId } from '../run-start.ts';
import { Orchestrator } from './orchestrator.ts';

/** What `choo run` was asked for, read and checked. */
export interface LocalRun {
  readonly plan: Plan;
  readonly units: readonly Unit[];
  readonly config: Config;
  readonly place: RepositoryPlace;
  readonly target: string;
  /** The commit that was read; see {@link OrchStarted}. */
  readonly commit: string;
  readonly parallelism: number;
  readonly limits: OrchStarted['limits'];
  /** Ids of units that start over. */
  readonly fresh: ReadonlySet<string>;
  readonly keepWorktrees: boolean;
  readonly sandbox: Sandbox;
  readonly dataDirectory: string;
  readonly searchPath: string;
  readonly agentOf: (provider: string) => Agent;
  readonly secrets: readonly string[];
  readonly patience?: Patience;
  readonly signal: AbortSignal;
  readonly onEvents: (events: readonly RunEvent[], state: RunState) => void;
  readonly onActivity: (unit: string, text: string) => void;
  /** A run that was cut off is gone on with. */
  readonly onResume: (state: RunState) => void;
}

/** Marks the processes of one repository's runs: only one such run is under way at a time. */
export function ownerOf({ commonDirectory }: RepositoryPlace): string {
  return `choo-${createHash('sha256').update(commonDirectory).digest('hex').slice(0, 16)}`;
}

/**
 * Carries a plan out in a repository of this machine, to its end or to the signal. A run of the same plan that was cut
 * off is gone on with. Throws a ChooError (`conflict`) when another process is at it.
 */
export async function runLocally(request: LocalRun): Promise<RunState> {
  const { place, searchPath, dataDirectory } = request;
  const store = new Journal(place.commonDirectory);
  const start = describeLocalStart(request, newRunId());
  const unfinished = await findUnfinished(store, start);
  await using _lock = await acquireLock(place.commonDirectory, unfinished?.start.run ?? start.run);
  await using _store = store; // flushed while the lock is held
  await endLeftovers(ownerOf(place)); // before anything of theirs is touched
  const home = repositoryHome(dataDirectory, place);
  const scratch = scratchDirectory(home);
  await removeTree(scratch); // what a killed run left there
  await using repository = await Repository.open(place, home, searchPath);
  const worktrees = new WorktreeManager(repository, searchPath);
  await worktrees.removeLeftovers();
  await repository.views?.prune();

  const before = await findUnfinished(store, start); // it may have ended before the lock was taken
  if (before !== undefined) request.onResume(before);
  const run = before?.start.run ?? start.run;
  const logDirectory = dirname(store.unitLog(run, 'any'));
  await mkdir(logDirectory, { recursive: true, mode: 0o700 });
  const orchestrator = new Orchestrator(
    {
      start: { ...start, run, fresh: before?.start.fresh ?? start.fresh },
      before,
      units: request.units,
      config: request.config,
      keepWorktrees: request.keepWorktrees,
    },
    {
      ...request,
      store,
      repository,
      worktrees,
      redact: createRedactor(request.secrets),
      secretForms: secretForms(request.secrets),
      logDirectory,
      openLog: (unit) => openLogFile(store.unitLog(run, unit)),
      scratch,
      patience: request.patience ?? PATIENCE,
    },
  );
  return await orchestrator.run(request.signal); // before what it uses is disposed of
}

/** The first event of a run of this machine. */
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

/** Whether there is anything left to do in a plan. */
export function hasWork(plan: Plan): boolean {
  return plan.waves.length > 0;
}

/**
 * The newest run, when it was cut off and was to do exactly this. Which of its units start over, it knows itself: only
 * who asks for others wants another run.
 */
async function findUnfinished(store: Journal, start: OrchStarted): Promise<RunState | undefined> {
  const [newest] = await store.runs();
  if (newest === undefined) return undefined;
  const state = foldEvents(await store.read(newest));
  if (state === undefined || (state.status !== 'running' && state.status !== 'interrupted')) return undefined;
  const work = describeWork(start, start.fresh.length === 0 ? state.start.fresh : start.fresh);
  return describeWork(state.start, state.start.fresh) === work ? state : undefined;
}

function describeWork({ target, commit, directory, units }: OrchStarted, fresh: readonly string[]): string {
  return JSON.stringify([target, commit, directory, units, fresh]);
}
