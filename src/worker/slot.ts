import { type UnitJob, UnitStop, type WorkerServices } from './unit-job.ts';

/** Quanta for which a unit may keep its slot in its first claim, when releasing it means that work is repeated. */
const QUANTA_TO_REDO = 6;

/**
 * Ends a preempted claim. `keepsAll`: everything the claim did is committed. Otherwise (between gates that must all pass, and
 * between attempts) the next claim repeats some work, so the claim may go on for longer, and longer with each claim: else a
 * unit that needs more than its quantum would never end. Throws a UnitStop.
 */
export function yieldSlot(
  { claim }: Pick<UnitJob, 'claim'>,
  { shouldReleaseSlot }: Pick<WorkerServices, 'shouldReleaseSlot'>,
  keepsAll: boolean,
): void {
  if (shouldReleaseSlot?.(keepsAll ? 1 : QUANTA_TO_REDO * claim) === true)
    throw new UnitStop({ kind: 'released', reason: 'others wait for its slot', until: null });
}
