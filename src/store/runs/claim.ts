import type { EventBody } from '../../events/event.ts';

/** A unit that this process works on now. */
export interface Claim {
  readonly run: string;
  readonly unit: string;
  /** The claim number, from 1. */
  readonly claim: number;
}

/** How the work on a claimed unit reports its events. */
export interface ClaimReporter {
  /** Writes events; they are durable when it resolves. Throws a ChooError (`conflict`) when the claim was lost. */
  readonly report: (events: readonly EventBody[]) => Promise<void>;
  /** Stop, and keep the commits: the unit was cancelled, the claim was lost, or this process ends. */
  readonly signal: AbortSignal;
  /**
   * Whether the unit must release its slot now: it has had it for `quanta`, and an installation below its fair share waits.
   * After a true it must.
   */
  readonly shouldReleaseSlot: (quanta: number) => boolean;
}
