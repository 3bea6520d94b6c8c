import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { QUARANTINE_AFTER } from '../runs/quarantine.ts';

/** The slots of one installation, and whether it could use another one now. */
interface InstallationLoad {
  readonly installation: string;
  readonly held: number;
  readonly waits: boolean;
}

/**
 * The installations that have to release slots. The fair share is the number of slots in use, divided by the installations that
 * have work. When one waits with fewer slots than its share, rounded down but at least one, all installations above their share
 * are preempted. While none waits, one installation may have all slots. Pure.
 *
 * @internal
 */
export function aboveFairShare(loads: readonly InstallationLoad[]): ReadonlySet<string> {
  const share = loads.reduce((sum, { held }) => sum + held, 0) / loads.length;
  const entitled = Math.max(1, Math.floor(share));
  const isPreempting = loads.some(({ held, waits }) => waits && held < entitled);
  return new Set(
    loads.filter(({ held }) => isPreempting && held > share).map(({ installation }) => installation),
  );
}

/** The runs of installations above their fair share. */
export async function runsAboveFairShare(database: Database): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ installation: string; held: number; runs: readonly string[]; waits: boolean }>`
    with held as (
      select units.run, runs.repository, count(*)::int as units
      from units join runs on runs.id = units.run where worker is not null group by units.run, runs.repository
    ), by_repository as (
      select repository, sum(units)::int as units from held group by repository
    ), waiting as (
      select distinct runs.repository from runs left join held on held.run = runs.id
      where runs.status = 'running' and runs.parallelism > coalesce(held.units, 0)
        and exists (select from units where units.run = runs.id and units.state = 'queued'
                      and units.deaths < ${QUARANTINE_AFTER} and units.not_before <= now())
    )
    select installation, coalesce(sum(held.units), 0)::int as held,
           coalesce(array_agg(held.run) filter (where held.run is not null), '{}') as runs,
           bool_or(waiting.repository is not null
                   and coalesce(max_units > coalesce(by_repository.units, 0), true)) as waits
    from repositories
    left join by_repository on by_repository.repository = repositories.id
    left join waiting on waiting.repository = repositories.id
    left join held on held.repository = repositories.id
    where held.repository is not null or waiting.repository is not null
    group by installation`.execute(database);
  if (!rows.some(({ waits }) => waits)) return new Set();
  const above = aboveFairShare(rows);
  return new Set(rows.flatMap(({ installation, runs }) => (above.has(installation) ? runs : [])));
}
