import { sql } from 'kysely';
import { randomUUID } from 'node:crypto';
import type { Trx } from '../database/database.ts';
import type { Jobs } from './jobs.ts';

/**
 * Queues units now that their runs put off, since the update of their branches has ended. One that waits for something else is put
 * off again when it is claimed. Returns whether there is one.
 */
export async function wakeUnits(
  trx: Trx,
  jobs: Jobs,
  {
    repository,
    target,
    units,
  }: { readonly repository: string; readonly target: string; readonly units: readonly string[] },
): Promise<boolean> {
  const { rows } = await sql<{ run: string; id: string; job: string; priority: number }>`
    select units.run, units.id, units.job, units.priority from units join runs on runs.id = units.run
    where runs.repository = ${repository} and runs.target = ${target} and runs.status = 'running'
      and runs.purpose = 'work' and units.id = any(${[...units]}::text[]) and units.state = 'queued'
      and units.worker is null and units.job is not null and units.not_before > now()
    for update of units skip locked`.execute(trx);
  for (const { run, id: unit, job, priority } of rows) {
    const id = randomUUID();
    await jobs.cancel(trx, run, [job]);
    await sql`
      update units set not_before = '-infinity', job = ${id}, job_try = 0
      where run = ${run} and id = ${unit}`.execute(trx);
    await jobs.insert(trx, run, [{ id, unit, priority }]);
  }
  return rows.length > 0;
}

/** Has the runs published again that did the work of units, but for one. Returns whether there is one. */
export async function wakeReports(
  trx: Trx,
  {
    repository,
    target,
    units,
    except,
  }: {
    readonly repository: string;
    readonly target: string;
    readonly units: readonly string[];
    readonly except: string | null;
  },
): Promise<boolean> {
  if (units.length === 0) return false;
  const { numAffectedRows } = await sql`
    update reports set wanted = wanted + 1
    where run in (select body ->> 'run' from records
      where repository = ${repository} and target = ${target} and unit = any(${[...units]}::text[]))
      and run is distinct from ${except}`.execute(trx);
  return (numAffectedRows ?? 0n) > 0n;
}
