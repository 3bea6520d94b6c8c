import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { requestRefresh } from './reports.ts';

/**
 * Has pull requests derived again after a branch moved or was deleted: those that go to it, and those of the units that work on
 * it or on whose branches others stand.
 */
export async function followBranch(database: Database, repository: string, branch: string): Promise<void> {
  const { rows } = await sql<{ target: string }>`
    select distinct pull.target from unit_pulls as pull
      left join records on records.repository = pull.repository and records.target = pull.target
        and records.unit = pull.unit
    where pull.repository = ${repository} and pull.state in ('open', 'lost')
      and (pull.target = ${branch} or pull.base = ${branch} or records.body ->> 'branch' = ${branch})`.execute(
    database,
  );
  for (const { target } of rows) await requestRefresh(database, { repository, target });
  // What was merged there may be taken back; one report looks after all of a target.
  const { rows: merged } = await sql<{ target: string; unit: string }>`
    select distinct on (target) target, unit from unit_pulls
    where repository = ${repository} and state = 'merged' and base = ${branch}
      and target <> all(${rows.map(({ target }) => target)}::text[])
    order by target, number desc`.execute(database);
  for (const { target, unit } of merged) await requestRefresh(database, { repository, target, unit });
}
