import type { EventBody } from '../../events/event.ts';

/**
 * A unit that kills its worker must not go to one process after the other. But a worker dies with several units, and which one
 * was the cause is not known: each is a suspect, and the innocent ones must not fail. So choo counts, for each unit, the workers
 * that died or were silent for too long while they had it:
 *
 * - one: the next worker claims it like any other.
 * - two: it is in *quarantine*. It is tried last and alone: by a worker without other claims, when no
 *   other unit could start there; and that worker claims nothing else meanwhile. An innocent unit gets out this way.
 * - three, the last of them while it was alone: it fails for good, and says why. A retry is one more try alone.
 *
 * A task that an agent completed resets the count, and its worker claims other units again. A gate that passes does not: those
 * of earlier tasks pass in each claim. Attempts are limited, so the count is reset a limited number of times.
 *
 * Only a worker that vanished counts: not one that was asked to stop, nor one that released a unit because the database was
 * away. A worker that was cut off from the database looks dead, and counts; its units get out by being tried alone.
 */
export const QUARANTINE_AFTER = 2;

/** The reason to requeue a unit after one more death; undefined when it fails for good. */
export function requeueReason(deaths: number, how: string): string | undefined {
  if (deaths > QUARANTINE_AFTER) return undefined;
  return deaths === QUARANTINE_AFTER
    ? `${how}; that is the second time, so it is tried last, and alone`
    : how;
}

/** The failure of a unit whose workers keep dying. */
export function quarantineFailure(unit: string, deaths: number): EventBody {
  return {
    type: 'unit.failed',
    unit,
    failure: 'environment',
    message: `${deaths} workers died or fell silent while they worked on it, the last one with nothing else to do`,
    hint: 'it may need more memory than the machine has, or its content may crash a reader; a retry tries it once more, alone',
    head: null,
  };
}

/** Whether an event resets the count of deaths. */
export function resetsDeaths(event: EventBody): boolean {
  return event.type === 'task.completed' && event.attempts > 0;
}
