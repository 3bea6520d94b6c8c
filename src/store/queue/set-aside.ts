import { sql } from 'kysely';
import type { EventBody } from '../../events/event.ts';
import type { Claim } from './claims.ts';
import type { Trx } from '../database/database.ts';

/**
 * A unit that kills its worker must not be given to every other process in turn. But a worker dies with several units, and
 * nobody knows which one it was: each of them is a suspect, and the innocent ones must not fail. So a unit counts the
 * workers that died, or were silent for too long, while they had it:
 *
 * - one: it is given to the next worker like any other.
 * - two: it is *set aside*. It has no job any more and is tried last, alone: by a worker that holds nothing, when no other unit
 *   could start there; and that worker takes nothing else beside it. That is the trial that acquits the innocent.
 * - three, the last one of them with nothing else beside it: it fails for good, and says why. A retry is one more such trial.
 *
 * A task that an agent completed sets the count to none, and its worker takes other units again. A gate that passes does not:
 * those of earlier tasks pass in each claim. Attempts have a limit, so the count is set back a limited number of times.
 *
 * Only a worker that vanished counts: not one that was asked to stop, nor one that gave a unit back itself because the database
 * was away. One that was cut off from the database looks like a dead one, and counts; its units are acquitted in their trials.
 */
export const SET_ASIDE_AFTER = 2;

/** What comes of one more death: what the unit is told to wait for; undefined where it fails for good. */
export function verdictOn(deaths: number, how: string): string | undefined {
  if (deaths > SET_ASIDE_AFTER) return undefined;
  return deaths === SET_ASIDE_AFTER ? `${how}; that is the second time, so it is tried last, and alone` : how;
}

/** The end of a unit that its workers do not survive. */
export function condemned(unit: string, deaths: number): EventBody {
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
export function acquits(event: EventBody): boolean {
  return event.type === 'task.completed' && event.attempts > 0;
}

/**
 * Claims one unit that was set aside, for a worker that holds nothing; of those that limits leave room for the one that was
 * tried longest ago. Whoever claims holds the lock for claiming.
 */
export async function claimSetAside(
  trx: Trx,
  worker: number,
  all: number | undefined,
): Promise<readonly Claim[]> {
  const { rows } = await sql<Claim>`
    update units set state = 'running', claim = claim + 1, batch = 0, worker = ${worker}, job_try = coalesce(job_try, 0) + 1, beat_at = now()
    where state = 'queued' and worker is null and (run, id) = (
      select units.run, units.id from units
      join runs on runs.id = units.run and runs.status = 'running'
      join repositories on repositories.id = runs.repository
      where units.state = 'queued' and units.not_before <= now() and units.deaths >= ${SET_ASIDE_AFTER}
        and not exists (select from units as own where own.worker = ${worker})
        and (select count(*) from units as held where held.worker is not null) < ${all ?? 2_147_483_647}::int
        and (select count(*) from units as held where held.worker is not null and held.run = runs.id) < runs.parallelism
        and (select count(*) from units as held join runs as other on other.id = held.run
             where held.worker is not null and other.repository = runs.repository)
            < coalesce(repositories.max_units, 2147483647)
      order by units.beat_at, units.run, units.id limit 1)
    returning run, id as unit, claim`.execute(trx);
  return rows;
}
