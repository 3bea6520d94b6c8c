import { sql } from 'kysely';
import type { Database, Trx } from '../database/database.ts';
import type { Claim } from '../runs/claim.ts';

export interface ClaimLimits {
  /** Free slots of this process. */
  readonly free: number;
  /** Limit of claimed units across all processes; undefined: only each process's own limit. */
  readonly all?: number | undefined;
}

/**
 * Claims units for a worker, within the limits of the process, the run, the repository and all processes. Installations share
 * slots evenly, and the runs of one alternate; of a run, the unit with the longest critical path is first. Units in quarantine
 * are claimed only when there is nothing else, by a worker without claims; see quarantine.ts. One statement: the function
 * `claim_units` takes the lock that makes counting and claiming one step across all processes.
 */
export async function claimUnits(
  database: Database | Trx,
  worker: number,
  { free, all }: ClaimLimits,
): Promise<readonly Claim[]> {
  if (free <= 0) return [];
  const { rows } = await sql<Claim>`
    select run, unit, claim from claim_units(${worker}::int, ${free}::int, ${all ?? 2_147_483_647}::int)`.execute(
    database,
  );
  return rows;
}
