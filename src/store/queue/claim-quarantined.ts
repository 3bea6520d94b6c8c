import { sql } from 'kysely';
import type { Trx } from '../database/database.ts';
import type { Claim } from '../runs/claim.ts';
import { QUARANTINE_AFTER } from '../runs/quarantine.ts';

/**
 * Claims one unit in quarantine, for a worker without claims: of the units that the limits leave room for, the one whose last
 * try is the oldest. The caller must hold the claim lock.
 */
export async function claimQuarantined(
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
      where units.state = 'queued' and units.not_before <= now() and units.deaths >= ${QUARANTINE_AFTER}
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
