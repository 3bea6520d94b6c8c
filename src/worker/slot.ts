import { type UnitJob, UnitStop, type WorkerServices } from './unit-job.ts';

/** Where giving a slot back means that something is done again, a unit may keep it for so many quanta, in its first claim. */
const QUANTA_TO_REDO = 6;

/**
 * Ends a claim where its slot is asked back. `keepsAll`: all that the claim did is committed. Elsewhere, between gates that
 * must all pass and between attempts, the next claim does some of it again, so a unit gets there later, and later with each
 * claim: else one that needs longer than its turn would never come to an end. Throws a UnitStop.
 */
export function yieldSlot(
  { claim }: Pick<UnitJob, 'claim'>,
  { shouldReleaseSlot }: Pick<WorkerServices, 'shouldReleaseSlot'>,
  keepsAll: boolean,
): void {
  if (shouldReleaseSlot?.(keepsAll ? 1 : QUANTA_TO_REDO * claim) === true)
    throw new UnitStop({ kind: 'released', reason: 'others wait for its slot', until: null });
}
