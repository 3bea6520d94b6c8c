import { sql } from 'kysely';
import type { Trx } from '../database/database.ts';

/**
 * Queues units now that their runs put off, since the update of their branches has ended. One that waits for something else is put
 * off again when it is claimed. Returns whether there is one.
 */
export async function wakeUnits(
  trx: Trx,
  {
    repository,
    target,
    units,
  }: { readonly repository: string; readonly target: string; readonly units: readonly string[] },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update units set not_before = '-infinity', tries = 0
    where (run, id) in (
      select units.run, units.id from units join runs on runs.id = units.run
      where runs.repository = ${repository} and runs.target = ${target} and runs.status = 'running'
        and runs.purpose = 'work' and units.id = any(${[...units]}::text[]) and units.state = 'queued'
        and units.worker is null and units.not_before > now()
      for no key update of units skip locked)`.execute(trx);
  return (numAffectedRows ?? 0n) > 0n;
}
