import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/** A base branch of a repository, by choo's own number of that. */
export interface BaseBranch {
  readonly repository: string;
  readonly branch: string;
}

/** How often a base branch was made within `ms`. */
export async function countMade(
  database: Database,
  { repository, branch }: BaseBranch,
  ms: number,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from base_branches
    where repository = ${repository} and branch = ${branch}
      and made_at > now() - ${ms} * interval '1 millisecond'`.execute(database);
  return rows[0]?.count ?? 0;
}

/** Notes that a base branch was made just now, and forgets when it was more than `ms` ago. */
export async function noteMade(
  database: Database,
  { repository, branch }: BaseBranch,
  ms: number,
): Promise<void> {
  await sql`
    with old as (
      delete from base_branches where repository = ${repository} and branch = ${branch}
        and made_at <= now() - ${ms} * interval '1 millisecond'
    )
    insert into base_branches (repository, branch) values (${repository}, ${branch})`.execute(database);
}
