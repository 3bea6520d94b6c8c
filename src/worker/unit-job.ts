import type { Config } from '../config/schema.ts';
import type { Unit } from '../discovery/unit.ts';
import type { EventBody } from '../events/event.ts';
import type { Failure } from '../events/failure.ts';
import type { ReviewRequest } from '../events/review-request.ts';
import type { Waits } from '../events/unit-progress.ts';
import type { Repository } from '../git/repository.ts';
import type { WorktreeManager } from '../git/worktree.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Agent } from './agent/agent.ts';
import type { Budget } from './agent/budget.ts';
import type { UnitLog } from './unit-log.ts';

/** One unit for one worker, with everything decided before its start. */
export interface UnitJob {
  readonly run: string;
  readonly claim: number;
  readonly unit: Unit;
  readonly config: Config;
  /** From the repository's root to the project; empty, or with a slash at its end. */
  readonly directory: string;
  readonly branch: string;
  /** The commit that the unit's work is compared with. */
  readonly base: string;
  /** The commit of the approved specs: no agent of this run wrote in it. */
  readonly approved: string;
  /**
   * Whose set-ups' leavings it may use: those of all runs (empty), or those of runs of one commit. On a server a run may be of a
   * commit that is in no branch of the project yet.
   */
  readonly setUpScope: string;
  /** A person asked to do it again from the start: set-up runs anew, too. */
  readonly isAskedAnew: boolean;
  /** The commit at which work starts. */
  readonly start: string;
  /** The branch's current head; undefined when there is no branch yet. */
  readonly pushed: string | undefined;
  /** Tasks that `start` is said to complete. They count once their gates have passed again. */
  readonly claimedComplete: readonly number[];
  /** Earlier attempts in this run, by task, and earlier repairs. */
  readonly attemptsUsed: ReadonlyMap<number, number>;
  readonly repairsUsed: number;
  /** How long this unit has waited in this run since its provider last accepted work. */
  readonly waited: Waits;
  /** What reviews said of the unit's work before it started over; undefined: nothing. */
  readonly feedback?: ReviewRequest | undefined;
  /** Complete in the approved specs: only verify runs. */
  readonly verifyOnly: boolean;
}

/** Services of a worker. */
export interface WorkerServices {
  readonly repository: Repository;
  readonly worktrees: WorktreeManager;
  readonly sandbox: Sandbox;
  readonly agent: Agent;
  readonly budget: Pick<Budget, 'reserve'>;
  readonly log: UnitLog;
  /** Directory of the output of gates and commands. */
  readonly logDirectory: string;
  /** Directory of temporary files, such as an agent's own state. */
  readonly scratch: string;
  /** Secret values, in every form they are searched for. */
  readonly secretForms: readonly Buffer[];
  /** The operator's credentials for set-up, by variable. Nothing but set-up may get them. */
  readonly setUpSecrets?: Readonly<Record<string, string>> | undefined;
  /** How long provider errors are waited for. */
  readonly rateLimits: RateLimitPolicy;
  readonly keepWorktree: boolean;
  readonly signal: AbortSignal;
  /** Whether the claim, if it had its slot for so many quanta, must release it now; after `true` it must. Undefined: never. */
  readonly shouldReleaseSlot?: ((quanta: number) => boolean) | undefined;
  /**
   * Called between tasks, and when a push is refused, with the newest commit of the work. Throws a UnitStop when the unit must
   * end for a reason outside of it. Undefined: there is none.
   */
  readonly checkEnd?: ((commit: string) => Promise<void>) | undefined;
  /** Appends an event, in order. See {@link WorkerServices.recorded}. */
  readonly append: (event: EventBody) => void;
  readonly recorded: () => Promise<void>;
  readonly taskCompleted: () => void;
  /** Current activity, for display only. */
  readonly onActivity: (text: string) => void;
}

/** Services that run gates: none of them starts an agent. */
export type GateServices = Omit<WorkerServices, 'agent' | 'budget' | 'rateLimits' | 'taskCompleted'>;

/** How long to wait for a provider's rate limits and outages, and for an agent to exit. Milliseconds. */
export interface RateLimitPolicy {
  /** The first wait when the provider names no time; each next one equals the sum of all before, at most 15 minutes. */
  readonly firstMs: number;
  /** A longer wait releases the unit's slot. */
  readonly inPlaceMs: number;
  /** Sum of consecutive waits of one unit for rate limits. No reset time from a stream pauses a provider for longer. */
  readonly totalMs: number;
  /** The same for outages, whose end is unknown. */
  readonly outageMs: number;
  /** How long an agent may print nothing after its result before it is killed. */
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
      /** Those of a conflict. */
      readonly files?: readonly string[] | undefined;
    }
  /**
   * Released unfinished. `until`: when the provider accepts work again or, `ofBudget`, when there is budget again. Milliseconds
   * since 1970.
   */
  | {
      readonly kind: 'released';
      readonly reason: string;
      readonly until: number | null;
      readonly ofBudget?: true;
    };

/** Thrown anywhere inside a worker to end its unit. Only the worker catches it. */
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
