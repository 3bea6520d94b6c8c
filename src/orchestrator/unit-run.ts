import type { Config } from '../config/schema.ts';
import type { Unit } from '../discovery/unit.ts';
import { coerceError } from '../errors.ts';
import type { ReviewRequest } from '../events/review-request.ts';
import type { UnitRecords } from '../events/store.ts';
import type { UnitProgress } from '../events/unit-progress.ts';
import type { OrchStarted } from '../events/unit-record.ts';
import type { Agent } from '../worker/agent/agent.ts';
import type { UnitEnd, UnitJob, WorkerServices } from '../worker/unit-job.ts';
import { type LogSink, UnitLog } from '../worker/unit-log.ts';
import { runUnit } from '../worker/worker.ts';
import type { UnitStart, Dependency } from './unit-start-input.ts';
import { findStart } from './unit-start.ts';

/** One claimed unit, ready to start. */
export interface UnitRun {
  readonly start: OrchStarted;
  readonly config: Config;
  readonly unit: Unit;
  /** Its progress in this run. */
  readonly progress: UnitProgress;
  /** The number of this claim; one more each time. */
  readonly claim: number;
  readonly branch: string;
  /** The branch's head; undefined when there is no branch. */
  readonly branchHead: string | undefined;
  readonly dependencies: readonly Dependency[];
  /** What reviews said of its work before it started over; undefined: nothing. */
  readonly feedback?: ReviewRequest | undefined;
}

/** Services that work on a unit. */
export interface UnitServices extends Omit<WorkerServices, 'agent' | 'log' | 'onActivity'> {
  readonly store: UnitRecords;
  /** The agent of a provider, ready to start. Throws a ChooError when there is none. */
  readonly agentOf: (provider: string) => Agent;
  /** Removes secret values from text before it is shown, logged or stored. */
  readonly redact: (text: string) => string;
  /** Opens a unit's log. */
  readonly openLog: (unit: string) => LogSink;
  /** Called with a unit's current activity, for display only. */
  readonly onActivity?: (unit: string, text: string) => void;
}

/** Finds where a unit's work starts, appends that, and runs a worker. Never rejects. */
export async function workOnUnit(due: UnitRun, services: UnitServices): Promise<UnitEnd> {
  const { unit, progress } = due;
  const { append, recorded, signal } = services;
  const { run } = due.start;
  using log = new UnitLog(services.openLog(unit.id), services.redact);
  try {
    const from = await findUnitStart(due, services);
    if (from.kind === 'impossible') return { ...from, kind: 'failed' };
    const { base, builtOn, start, pushed, kept } = from;
    const job = createJob(due, from);
    const { claim, branch } = job;
    const where = { branch, pushed: pushed ?? null, base, builtOn, head: start };
    append({ type: 'unit.started', unit: unit.id, claim, ...where, tasks: [...from.claimedComplete] });
    if (kept !== undefined) {
      const message = `the old head is kept at ${kept}`;
      append({ type: 'unit.notice', unit: unit.id, code: 'started-over', message });
    }
    if (from.takenOver === true) {
      const message = `an earlier claim of this run had moved ${branch}: its commits are taken over, and their gates run again`;
      append({ type: 'unit.notice', unit: unit.id, code: 'taken-over', message });
    }
    await recorded();
    log.say(`unit ${unit.id}, run ${run}, claim ${job.claim}, from ${start.slice(0, 12)}`);
    const end = await runUnit(job, {
      ...services,
      agent: services.agentOf(progress.plan.provider),
      log,
      onActivity: (text) => services.onActivity?.(unit.id, services.redact(text)),
    });
    const why = end.kind === 'failed' ? `: ${end.message}` : end.kind === 'released' ? `: ${end.reason}` : '';
    log.say(`${end.kind}${why}`);
    return end;
  } catch (error) {
    if (signal.aborted) return { kind: 'released', reason: 'interrupted', until: null };
    const { message, hint } = coerceError(error);
    return { kind: 'failed', failure: 'internal', message, hint };
  }
}

async function findUnitStart(due: UnitRun, services: UnitServices): Promise<UnitStart> {
  const { config, unit, progress, branch, branchHead, dependencies } = due;
  const { run, target, commit, directory, remote, stack } = due.start;
  if (isVerifyOnly(unit))
    return {
      kind: 'start',
      base: commit,
      builtOn: {},
      start: commit,
      pushed: branchHead,
      claimedComplete: [],
    };
  const fresh = startsOver(due.start, progress);
  const { key } = progress.plan;
  const startOver =
    remote === null ? `choo run --unit ${unit.id} --fresh` : `choo retry ${run} ${unit.id} --fresh`;
  return findStart(
    {
      run,
      unit,
      config,
      key,
      target,
      branch,
      branchHead,
      commit,
      directory,
      dependencies,
      stack,
      fresh,
      startOver,
    },
    services,
  );
}

function createJob(
  { start, config, unit, progress, claim, branch, feedback }: UnitRun,
  from: Extract<UnitStart, { kind: 'start' }>,
): UnitJob {
  const { run, directory } = start;
  return {
    run,
    claim,
    unit,
    config,
    directory,
    branch,
    base: from.base,
    approved: start.commit,
    setUpScope: start.remote === null ? '' : start.commit,
    isAskedAnew: progress.fresh,
    start: from.start,
    pushed: from.pushed,
    claimedComplete: from.claimedComplete,
    attemptsUsed: new Map([...progress.tasks].map(([number, { attempts }]) => [number, attempts])),
    repairsUsed: progress.repairs,
    waited: progress.waited,
    feedback,
    verifyOnly: isVerifyOnly(unit),
  };
}

/** Whether a unit starts over when it starts next, whatever its branch holds. */
export function startsOver({ fresh }: OrchStarted, { plan, claim, fresh: isAsked }: UnitProgress): boolean {
  return isAsked || (fresh.includes(plan.id) && claim === 0);
}

/** Complete in the approved specs: no agent starts, only its gates run. */
function isVerifyOnly(unit: Unit): boolean {
  return unit.tasks.every(({ status }) => status === 'complete');
}
