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
}
