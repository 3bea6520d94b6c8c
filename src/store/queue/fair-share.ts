import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { findCandidates } from './claims.ts';

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
  const { candidates } = await findCandidates(database);
  if (candidates.length === 0) return new Set();
  const { rows } = await sql<{ installation: string; held: number; runs: readonly string[] }>`
    select repositories.installation, count(*)::int as held, array_agg(distinct runs.id) as runs
    from units join runs on runs.id = units.run join repositories on repositories.id = runs.repository
    where units.worker is not null group by repositories.installation`.execute(database);
  const waiting = new Set(
    candidates
      .filter(({ repository_room: room }) => room === null || room > 0)
      .map(({ installation }) => installation),
  );
  const held = new Map(rows.map((row) => [row.installation, row.held]));
  const loads = [...new Set([...held.keys(), ...waiting])].map((installation) => ({
    installation,
    held: held.get(installation) ?? 0,
    waits: waiting.has(installation),
  }));
  const above = aboveFairShare(loads);
  return new Set(rows.flatMap(({ installation, runs }) => (above.has(installation) ? runs : [])));
}
