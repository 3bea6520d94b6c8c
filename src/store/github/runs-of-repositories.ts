import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { findRepositoryById, type StoredRepository } from './github-repositories.ts';

/** The repository on GitHub that a run is of; undefined: there is no such run, or choo has no access to its repository. */
export async function findRepositoryOfRun(
  database: Database,
  run: string,
): Promise<StoredRepository | undefined> {
  const row = await database.selectFrom('runs').select('repository').where('id', '=', run).executeTakeFirst();
  return row && findRepositoryById(database, row.repository);
}

/** The repositories that ran last, the newest first; at most so many. */
export async function findActiveRepositories(
  database: Database,
  most: number,
): Promise<readonly StoredRepository[]> {
  const { rows } = await sql<{ repository: string }>`
    select repository from runs join github_repositories using (repository)
    where removed_at is null and purpose = 'work'
    group by repository order by max(last_at) desc, repository limit ${most}`.execute(database);
  const found = await Promise.all(
    rows.map(async ({ repository }) => findRepositoryById(database, repository)),
  );
  return found.filter((repository) => repository !== undefined);
}

/** The newest runs of these repositories that a person requested; at most so many. */
export async function findNewestRuns(
  database: Database,
  repositories: readonly string[],
  most: number,
): Promise<readonly string[]> {
  if (repositories.length === 0) return [];
  const rows = await database
    .selectFrom('runs')
    .innerJoin('events', (join) => join.onRef('events.run', '=', 'runs.id').on('events.seq', '=', 1))
    .select('runs.id')
    .where('repository', 'in', repositories)
    .where('purpose', '=', 'work')
    .orderBy('events.at', 'desc')
    .orderBy('runs.id')
    .limit(most)
    .execute();
  return rows.map(({ id }) => id);
}
