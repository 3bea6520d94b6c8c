import type { Config } from '../config/schema.ts';
import type { Unit } from '../discovery/unit.ts';
import type { EventBody, Failure } from '../events/event.ts';
import type { Waits } from '../events/unit-progress.ts';
import type { Repository } from '../git/repository.ts';
import type { WorktreeManager } from '../git/worktree.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Agent } from './agent/agent.ts';
import type { Budget } from './agent/budget.ts';
import type { UnitLog } from './unit-log.ts';

/** One unit for one worker: all that was decided before. */
export interface UnitJob {
  readonly run: string;
  readonly claim: number;
  readonly unit: Unit;
  readonly config: Config;
  /** From the repository's root to the project; empty, or with a slash at its end. */
  readonly directory: string;
  readonly branch: string;
  /** The commit that the unit's work is measured against. */
  readonly base: string;
  /** Where work goes on. */
  readonly start: string;
  /** Where the branch stands now; undefined: there is none yet. */
  readonly pushed: string | undefined;
  /** Tasks that `start` is said to hold. Their gates run again before that counts. */
  readonly claimedComplete: readonly number[];
  /** Attempts that were made in this run before, by task, and those at repairing baseline checks. */
  readonly attemptsUsed: ReadonlyMap<number, number>;
  readonly repairsUsed: number;
  /** How long this unit waited in this run before, since its provider last took work. */
  readonly waited: Waits;
  /** Complete in the approved specs: only verify runs. */
  readonly verifyOnly: boolean;
}

/** What a worker works with. */
export interface WorkerServices {
  readonly repository: Repository;
  readonly worktrees: WorktreeManager;
  readonly sandbox: Sandbox;
  readonly agent: Agent;
  readonly budget: Pick<Budget, 'reserve'>;
  readonly log: UnitLog;
  /** Where the output of gates and commands is kept. */
  readonly logDirectory: string;
  /** A directory for what nobody needs after the run, such as the state that an agent keeps of its own. */
  readonly scratch: string;
  /** Secret values, in every form they are searched for. */
  readonly secretForms: readonly Buffer[];
  /** How long trouble with a provider is waited out. */
  readonly rateLimits: RateLimitPolicy;
  readonly keepWorktree: boolean;
  readonly signal: AbortSignal;
  /** Whether its slot is given back now, if it has had it for so many quanta; after a true it must. Undefined: nobody else wants it. */
  readonly shouldReleaseSlot?: ((quanta: number) => boolean) | undefined;
  /** Notes a fact, in order. {@link WorkerServices.recorded} says when all so far are safe. */
  readonly append: (event: EventBody) => void;
  readonly recorded: () => Promise<void>;
  readonly taskCompleted: () => void;
  /** What is going on, for who watches; nothing is decided by it. */
  readonly onActivity: (text: string) => void;
}

/** How long is waited for a provider's limits and outages, and for an agent's end. Milliseconds. */
export interface RateLimitPolicy {
  /** The first wait where the provider does not say; each next one is as long as all before it, a quarter of an hour at most. */
  readonly firstMs: number;
  /** A longer wait gives the slot back. */
  readonly inPlaceMs: number;
  /** All waits for limits, one after the other, of one unit. No stream holds a provider for longer. */
  readonly totalMs: number;
  /** The same for outages: nobody says when they end. */
  readonly outageMs: number;
  /** How long an agent may print nothing after its last word before it is ended. */
  readonly exitMs: number;
}

export const DEFAULT_RATE_LIMIT_POLICY: RateLimitPolicy = {
  firstMs: 5_000,
  inPlaceMs: 120_000,
  totalMs: 24 * 3_600_000,
  outageMs: 4 * 3_600_000,
  exitMs: 10_000,
};

/** How a unit ended. */
export type UnitEnd =
  | { readonly kind: 'complete'; readonly head: string; readonly verified: boolean }
  | {
      readonly kind: 'failed';
      readonly failure: Failure;
      readonly message: string;
      readonly hint?: string | undefined;
    }
  /**
   * Given back undone; `until` in milliseconds since 1970: the provider takes nothing before, or, `ofBudget`, there is no
   * budget before.
   */
  | {
      readonly kind: 'released';
      readonly reason: string;
      readonly until: number | null;
      readonly ofBudget?: true;
    };

/** Ends a unit from anywhere inside its worker. Caught by the worker alone. */
export class UnitStop extends Error {
  readonly end: Exclude<UnitEnd, { kind: 'complete' }>;

  constructor(end: Exclude<UnitEnd, { kind: 'complete' }>) {
    super(end.kind === 'failed' ? end.message : end.reason);
    this.end = end;
  }
}

export function fail(failure: Failure, message: string, hint?: string): UnitStop {
  return new UnitStop({ kind: 'failed', failure, message, hint });
}
