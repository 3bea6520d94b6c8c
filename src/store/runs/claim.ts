import type { EventBody } from '../../events/event.ts';

/** A unit that this process works on now. */
export interface Claim {
  readonly run: string;
  readonly unit: string;
  /** One more each time. */
  readonly claim: number;
}

/** How a worker tells what happens to the unit it claimed. */
export interface ClaimReporter {
  /** Writes events; they are safe when it resolves. Throws a ChooError (`conflict`) when the claim was lost. */
  readonly report: (events: readonly EventBody[]) => Promise<void>;
  /** Stop, and keep what is done: the unit was cancelled, the claim was lost, or this process ends. */
  readonly signal: AbortSignal;
  /**
   * Whether the unit gives its slot back now, if it has had it for so many quanta and an installation waits that has less
   * than its share. After a true it must.
   */
  readonly shouldReleaseSlot: (quanta: number) => boolean;
}
