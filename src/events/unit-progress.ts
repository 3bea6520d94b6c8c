import type { Failure, PlannedUnit, RunEvent } from './event.ts';

/** Money and tokens that were used. `unknownCost`: some of it was spent where nobody says the price. */
export interface Spending {
  readonly tokens: number;
  readonly cost: number;
  readonly unknownCost: boolean;
}

interface TaskProgress {
  readonly state: 'pending' | 'running' | 'complete' | 'failed';
  /** Attempts that count. One that a crash cut off does; one that waited for a rate limit, or was cancelled, does not. */
  readonly attempts: number;
  /** The commit it was done in. */
  readonly commit: string | null;
  readonly alreadyGreen: boolean;
}

/** What a unit is busy with. */
export type Activity = 'setup' | 'gate' | 'agent' | 'waiting' | 'baseline' | 'verify' | 'git';

export interface UnitProgress {
  readonly plan: PlannedUnit;
  readonly state: 'pending' | 'running' | 'complete' | 'failed' | 'blocked';
  readonly activity: Activity | null;
  readonly task: number | null;
  readonly attempt: number;
  readonly tasks: ReadonlyMap<number, TaskProgress>;
  readonly claim: number;
  readonly branch: string | null;
  /** Where its branch stood when choo last moved or looked at it. */
  readonly head: string | null;
  /** The newest commit made for it; ahead of `head` between commit and push. */
  readonly committed: string | null;
  readonly verified: boolean;
  readonly failure: Failure | null;
  readonly message: string | null;
  readonly hint: string | null;
  /** The unit that blocks it. */
  readonly cause: string | null;
  /** Not before this time, where it waits for a rate limit. Milliseconds since 1970. */
  readonly until: number | null;
  /** All its waits for limits together. Milliseconds. */
  readonly waitedMs: number;
  /** Attempts at repairing baseline checks that count. */
  readonly repairs: number;
  readonly notices: readonly { readonly code: string; readonly message: string }[];
  readonly spending: Spending;
  /** The part of it that belongs to invocations that ended. */
  readonly settled: Spending;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

type UnitFact = Extract<RunEvent, { unit: string }>;

const NOTHING: Spending = { tokens: 0, cost: 0, unknownCost: false };
const NEW_TASK: TaskProgress = { state: 'pending', attempts: 0, commit: null, alreadyGreen: false };

/** Before any event of it. */
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
    failure: null,
    message: null,
    hint: null,
    cause: null,
    until: null,
    waitedMs: 0,
    repairs: 0,
    notices: [],
    spending: NOTHING,
    settled: NOTHING,
    startedAt: null,
    endedAt: null,
  };
}

/** Outcomes of an agent that do not count as an attempt. */
const FREE: ReadonlySet<string> = new Set(['rate-limited', 'overloaded', 'cancelled']);

/** The unit after one more event of it. */
export function advanceUnit(unit: UnitProgress, event: UnitFact): UnitProgress {
  const idle = { activity: null, task: null, attempt: 0 };
  switch (event.type) {
    case 'unit.queued':
      return {
        ...unit,
        ...idle,
        state: 'pending',
        failure: null,
        message: null,
        hint: null,
        cause: null,
        endedAt: null,
      };
    case 'unit.satisfied':
      return {
        ...unit,
        ...idle,
        state: 'complete',
        head: event.head,
        verified: event.head !== null,
        endedAt: event.at,
      };
    case 'unit.started':
      return {
        ...unit,
        state: 'running',
        activity: 'git',
        claim: event.claim,
        branch: event.branch,
        head: event.pushed,
        until: null,
        startedAt: unit.startedAt ?? event.at,
      };
    case 'unit.completed':
      return {
        ...unit,
        ...idle,
        state: 'complete',
        head: event.head,
        verified: event.verified,
        endedAt: event.at,
      };
    case 'unit.failed': {
      const { failure, message, hint } = event;
      return {
        ...unit,
        ...idle,
        state: 'failed',
        failure,
        message,
        hint,
        head: event.head,
        endedAt: event.at,
      };
    }
    case 'unit.blocked':
      return { ...unit, state: 'blocked', cause: event.cause };
    case 'unit.released':
      return { ...unit, ...idle, state: 'pending', until: event.until };
    case 'unit.notice':
      return { ...unit, notices: [...unit.notices, { code: event.code, message: event.message }] };
    case 'worktree.created':
      return { ...unit, activity: 'setup' };
    case 'worktree.setup':
    case 'worktree.removed':
      return unit;
    case 'task.started':
      return { ...withTask(unit, event.task, { state: 'running' }), task: event.task, attempt: 0 };
    case 'task.backpressure':
      return { ...unit, activity: event.phase === 'verify' ? 'verify' : 'gate' };
    case 'task.validation.ok':
    case 'task.validation.fail':
      return unit;
    case 'task.provider.invoke': {
      // What an invocation that never ended had spent stays spent.
      const next = { ...unit, activity: 'agent', attempt: event.attempt, settled: unit.spending } as const;
      return withAttempts(next, event.task, event.attempt);
    }
    case 'task.provider.usage':
      return { ...unit, spending: add(unit.settled, event) };
    case 'task.provider.done': {
      const spending = add(unit.settled, event);
      const next = { ...unit, spending, settled: spending };
      return FREE.has(event.outcome) ? withAttempts(next, event.task, event.attempt - 1) : next;
    }
    case 'task.provider.waiting':
      return {
        ...unit,
        activity: 'waiting',
        until: event.until,
        waitedMs: unit.waitedMs + Math.max(0, event.until - event.at),
      };
    case 'task.retry':
      return unit;
    case 'task.committed':
    case 'baseline.committed':
      return { ...unit, committed: event.commit };
    case 'branch.pushed':
      return { ...unit, head: event.head };
    case 'task.completed':
      return withTask(unit, event.task, {
        state: 'complete',
        commit: event.commit,
        alreadyGreen: event.alreadyGreen,
      });
    case 'task.failed':
      return withTask(unit, event.task, { state: 'failed' });
    case 'baseline.ok':
    case 'baseline.fail':
      return { ...unit, activity: 'baseline' };
    case 'verify.started':
    case 'verify.ok':
    case 'verify.fail':
      return { ...unit, activity: 'verify', task: null, attempt: 0 };
    default:
      return event satisfies never;
  }
}

function withAttempts(unit: UnitProgress, task: number | null, attempts: number): UnitProgress {
  return task === null ? { ...unit, repairs: attempts } : withTask(unit, task, { attempts });
}

function withTask(unit: UnitProgress, number: number, change: Partial<TaskProgress>): UnitProgress {
  const tasks = new Map(unit.tasks);
  tasks.set(number, { ...(tasks.get(number) ?? NEW_TASK), ...change });
  return { ...unit, tasks };
}

function add(
  spent: Spending,
  { tokens, cost }: { readonly tokens: number; readonly cost: number | null },
): Spending {
  return {
    tokens: spent.tokens + tokens,
    cost: spent.cost + (cost ?? 0),
    unknownCost: spent.unknownCost || (cost === null && tokens > 0),
  };
}
