import type { EventBody } from '../../events/event.ts';

/**
 * A unit that kills its worker must not be given to every other process in turn. But a worker dies with several units, and
 * nobody knows which one it was: each of them is a suspect, and the innocent ones must not fail. So a unit counts the
 * workers that died, or were silent for too long, while they had it:
 *
 * - one: it is given to the next worker like any other.
 * - two: it is *set aside*. It has no job any more and is tried last, alone: by a worker that holds nothing, when no other unit
 *   could start there; and that worker takes nothing else beside it. That is the trial that resetsDeaths the innocent.
 * - three, the last one of them with nothing else beside it: it fails for good, and says why. A retry is one more such trial.
 *
 * A task that an agent completed sets the count to none, and its worker takes other units again. A gate that passes does not:
 * those of earlier tasks pass in each claim. Attempts have a limit, so the count is set back a limited number of times.
 *
 * Only a worker that vanished counts: not one that was asked to stop, nor one that gave a unit back itself because the database
 * was away. One that was cut off from the database looks like a dead one, and counts; its units are acquitted in their trials.
 */
export const QUARANTINE_AFTER = 2;

/** What comes of one more death: what the unit is told to wait for; undefined where it fails for good. */
export function requeueReason(deaths: number, how: string): string | undefined {
  if (deaths > QUARANTINE_AFTER) return undefined;
  return deaths === QUARANTINE_AFTER
    ? `${how}; that is the second time, so it is tried last, and alone`
    : how;
}

/** The end of a unit that its workers do not survive. */
export function quarantineFailure(unit: string, deaths: number): EventBody {
  return {
    type: 'unit.failed',
    unit,
    failure: 'environment',
    message: `${deaths} workers died or fell silent while they worked on it, the last one with nothing else to do`,
    hint: 'it may need more memory than there is, or stop whoever reads what it holds; a retry tries it once more, alone',
    head: null,
  };
}

/** Whether this sets the count of deaths to none. */
export function resetsDeaths(event: EventBody): boolean {
  return event.type === 'task.completed' && event.attempts > 0;
}
