import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { findCandidates } from './claims.ts';

/** What one installation has of the slots, and whether units of it could start if there were one more. */
interface InstallationLoad {
  readonly installation: string;
  readonly held: number;
  readonly waits: boolean;
}

/**
 * The installations that have slots to give back. The share of each is the fair part of all slots that are in use, among those
 * that have work. Who has less than the whole slots of its share, at least one, and waits, may ask; then all who have more than
 * their share are asked. While nobody waits an installation may have all of them. Pure.
 *
 * @internal
 */
export function aboveFairShare(loads: readonly InstallationLoad[]): ReadonlySet<string> {
  const share = loads.reduce((sum, { held }) => sum + held, 0) / loads.length;
  const entitled = Math.max(1, Math.floor(share));
  const isAsked = loads.some(({ held, waits }) => waits && held < entitled);
  return new Set(loads.filter(({ held }) => isAsked && held > share).map(({ installation }) => installation));
}

/** The runs that have slots to give back. */
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
