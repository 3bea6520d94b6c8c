import type { PlannedUnit, RunEvent } from './event.ts';
import type { Failure } from './failure.ts';
import { noticeOf } from './flaky-gate.ts';
import type { JudgedHead } from './judge-change.ts';
import { type UnitState, unitStateAfter } from './run-rules.ts';
import { addUsage, NOTHING_SPENT, type Spending } from './spending.ts';

/** Time spent waiting for rate limits, and for outages. Milliseconds. */
export interface Waits {
  readonly limits: number;
  readonly outages: number;
}

interface TaskProgress {
  readonly state: 'pending' | 'running' | 'complete' | 'failed';
  /** Attempts that count. One that a crash interrupted counts; one that was cancelled, or whose agent was not to blame, does not. */
  readonly attempts: number;
  /** Its commit. */
  readonly commit: string | null;
  readonly alreadyGreen: boolean;
}

/** What a unit is busy with. */
export type Activity = 'setup' | 'gate' | 'agent' | 'waiting' | 'baseline' | 'verify' | 'git';

export interface UnitProgress {
  readonly plan: PlannedUnit;
  readonly state: UnitState;
  readonly activity: Activity | null;
  readonly task: number | null;
  readonly attempt: number;
  readonly tasks: ReadonlyMap<number, TaskProgress>;
  readonly claim: number;
  readonly branch: string | null;
  /** The head of its branch when choo last pushed or read it. */
  readonly head: string | null;
  /** The newest commit made for it; ahead of `head` between commit and push. */
  readonly committed: string | null;
  readonly verified: boolean;
  /** The earlier run that did its work, when it is complete by that. */
  readonly doneIn: string | null;
  readonly failure: Failure | null;
  readonly message: string | null;
  readonly hint: string | null;
  /** The unit that blocks it. */
  readonly cause: string | null;
  /** Why its last worker released it, until it starts again. */
  readonly releaseReason: string | null;
  /** Earliest start, when it waits for a rate limit. Milliseconds since 1970. */
  readonly until: number | null;
  /** Its waits since its provider last accepted work. */
  readonly waited: Waits;
  /** Its next start begins a new branch, by request. */
  readonly fresh: boolean;
  /** Attempts at repairing baseline checks that count. */
  readonly repairs: number;
  readonly notices: readonly { readonly code: string; readonly message: string }[];
  /** What the work changed of what judges it; null: it was not compared. */
  readonly judge: JudgedHead | null;
  /** The newest set-up that did not have to run, by its key and its age in milliseconds; null: none. */
  readonly reused: { readonly key: string; readonly ageMs: number } | null;
  readonly spending: Spending;
  /** The part of `spending` that belongs to ended invocations. */
  readonly settled: Spending;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

type UnitFact = Extract<RunEvent, { unit: string }>;
const NOTHING_WRONG = {
  doneIn: null,
  failure: null,
  message: null,
  hint: null,
  cause: null,
  releaseReason: null,
} as const;
const NO_WAITS: Waits = { limits: 0, outages: 0 };
const NEW_TASK: TaskProgress = { state: 'pending', attempts: 0, commit: null, alreadyGreen: false };

/** A unit before its first event. */
export function newUnit(plan: PlannedUnit): UnitProgress {
  return {
    plan,
    state: 'pending',
    activity: null,
    task: null,
    attempt: 0,
    tasks: new Map(
      plan.tasks.map(({ number, complete }) => [
        number,
        complete ? { ...NEW_TASK, state: 'complete' } : NEW_TASK,
      ]),
    ),
    claim: 0,
    branch: null,
    head: null,
    committed: null,
    verified: false,
    ...NOTHING_WRONG,
    until: null,
    waited: NO_WAITS,
    fresh: false,
    reused: null,
    repairs: 0,
    notices: [],
    judge: null,
    spending: NOTHING_SPENT,
    settled: NOTHING_SPENT,
    startedAt: null,
    endedAt: null,
  };
}

/** Outcomes that do not count as an attempt, because the agent is not to blame. */
const FREE: ReadonlySet<string> = new Set([
  'rate-limited',
  'overloaded',
  'not-authenticated',
  'misconfigured',
  'missing',
  'cancelled',
]);

const IDLE = { activity: null, task: null, attempt: 0 } as const;

/** The unit after one more event of it. */
export function advanceUnit(unit: UnitProgress, event: UnitFact): UnitProgress {
  // `unit.started` may arrive after the unit was stopped.
  const isLate = event.type === 'unit.started' && unit.state !== 'pending';
  const state = isLate ? unit.state : (unitStateAfter(event) ?? unit.state);
  const applied = applyFact(unit, event);
  const next = applied.state === state ? applied : { ...applied, state };
  // A worker still reports activity after it was asked to stop.
  const busy = next.activity !== null || next.task !== null;
  return busy && next.state !== 'running' ? { ...next, ...IDLE } : next;
}

/** Everything an event changes in a unit, except its state. */
function applyFact(unit: UnitProgress, event: UnitFact): UnitProgress {
  switch (event.type) {
    case 'unit.queued':
      return { ...unit, ...NOTHING_WRONG, ...IDLE, endedAt: null };
    case 'unit.satisfied':
      return {
        ...unit,
        ...IDLE,
        releaseReason: null,
        head: event.head,
        verified: event.head !== null,
        doneIn: event.doneIn ?? null,
        endedAt: event.at,
      };
    case 'unit.started':
      return {
        ...unit,
        activity: 'git',
        claim: event.claim,
        branch: event.branch,
        head: event.pushed,
        doneIn: null,
        releaseReason: null,
        until: null,
        fresh: false,
        startedAt: unit.startedAt ?? event.at,
      };
    case 'unit.completed':
      return { ...unit, ...IDLE, head: event.head, verified: event.verified, endedAt: event.at };
    case 'unit.failed': {
      const { failure, message, hint } = event;
      return {
        ...unit,
        ...IDLE,
        releaseReason: null,
        failure,
        message,
        hint,
        head: event.head,
        endedAt: event.at,
      };
    }
    case 'unit.blocked':
      return { ...unit, cause: event.cause };
    case 'unit.cancelled':
      return { ...unit, ...NOTHING_WRONG, ...IDLE, until: null, endedAt: event.at };
    case 'unit.skipped':
      return {
        ...unit,
        ...NOTHING_WRONG,
        ...IDLE,
        // No dependent builds on it.
        head: null,
        verified: false,
        until: null,
        endedAt: event.at,
      };
    case 'unit.retried': {
      const counts = {
        until: null,
        endedAt: null,
        verified: false,
        waited: NO_WAITS,
        repairs: 0,
        judge: null,
      };
      const { fresh } = event;
      return { ...unit, ...NOTHING_WRONG, ...IDLE, ...counts, fresh, tasks: resetTasks(unit, event) };
    }
    case 'unit.released':
      return { ...unit, ...IDLE, releaseReason: event.reason, until: event.until };
    case 'unit.notice':
    case 'gate.flaky':
      return { ...unit, notices: [...unit.notices, noticeOf(event)] };
    case 'judge.compared':
      return { ...unit, judge: event };
    case 'setup.reused':
      return { ...unit, reused: event };
    case 'worktree.created':
      return { ...unit, activity: 'setup' };
    case 'task.validation.ok':
    case 'task.validation.fail':
    case 'task.retry':
    case 'unit.answered':
    case 'worktree.setup':
    case 'worktree.removed':
      return unit;
    case 'task.started':
      return { ...withTask(unit, event.task, { state: 'running' }), task: event.task, attempt: 0 };
    case 'task.backpressure':
      return { ...unit, activity: event.phase === 'verify' ? 'verify' : 'gate' };
    case 'task.provider.invoke': {
      // The usage of an earlier invocation that never ended stays counted.
      const next = { ...unit, activity: 'agent', attempt: event.attempt, settled: unit.spending } as const;
      return withAttempts(next, event.task, event.attempt);
    }
    case 'task.provider.usage':
      return { ...unit, spending: addUsage(unit.settled, event) };
    case 'task.provider.done': {
      const spending = addUsage(unit.settled, event);
      const next = { ...unit, spending, settled: spending };
      if (!FREE.has(event.outcome)) return { ...next, waited: NO_WAITS };
      // A late event, after a retry reset the attempts, must not restore them.
      const counted = event.task === null ? unit.repairs : (unit.tasks.get(event.task)?.attempts ?? 0);
      return withAttempts(next, event.task, Math.min(counted, event.attempt - 1));
    }
    case 'task.provider.waiting': {
      const of = event.reason === 'overloaded' ? 'outages' : 'limits';
      const waited = { ...unit.waited, [of]: unit.waited[of] + Math.max(0, event.until - event.at) };
      return { ...unit, activity: 'waiting', until: event.until, waited };
    }
    case 'task.committed':
    case 'baseline.committed':
      return { ...unit, committed: event.commit };
    case 'branch.pushed':
      return { ...unit, head: event.head };
    case 'unit.updated':
      return { ...unit, head: event.to, committed: event.to };
    case 'task.completed': {
      const { commit, alreadyGreen } = event;
      return withTask(unit, event.task, { state: 'complete', commit, alreadyGreen });
    }
    case 'task.failed':
      return withTask(unit, event.task, { state: 'failed' });
    case 'baseline.ok':
    case 'baseline.fail':
      return { ...unit, activity: event.phase ?? 'baseline' };
    case 'verify.started':
    case 'verify.ok':
    case 'verify.fail':
      return { ...unit, ...IDLE, activity: 'verify' };
    default:
      return event satisfies never;
  }
}

/** The tasks of a retried unit: complete ones stay complete, up to the task that was named. */
function resetTasks(
  { plan, tasks }: UnitProgress,
  { fresh, from }: Extract<UnitFact, { type: 'unit.retried' }>,
): ReadonlyMap<number, TaskProgress> {
  const planned = new Set(plan.tasks.filter(({ complete }) => complete).map(({ number }) => number));
  const again = (number: number): boolean => fresh || (from !== null && number >= from);
  return new Map(
    [...tasks].map(([number, task]) => {
      if (planned.has(number)) return [number, task];
      return [number, task.state === 'complete' && !again(number) ? { ...task, attempts: 0 } : NEW_TASK];
    }),
  );
}

function withAttempts(unit: UnitProgress, task: number | null, attempts: number): UnitProgress {
  return task === null ? { ...unit, repairs: attempts } : withTask(unit, task, { attempts });
}

function withTask(unit: UnitProgress, number: number, change: Partial<TaskProgress>): UnitProgress {
  const tasks = new Map(unit.tasks);
  tasks.set(number, { ...(tasks.get(number) ?? NEW_TASK), ...change });
  return { ...unit, tasks };
}
