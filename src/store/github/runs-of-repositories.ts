import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { findRepositoryById, type StoredRepository } from './github-repositories.ts';

/** The repository on GitHub that a run is of; undefined: there is no such run, or choo has no access to its repository. */
export async function findRepositoryOfRun(
  database: Database,
  run: string,
): Promise<StoredRepository | undefined> {
  const id = await findRepositoryIdOfRun(database, run);
  return id === undefined ? undefined : findRepositoryById(database, id);
}

/** choo's own id of the repository that a run is of, on GitHub or not; undefined: there is no such run. */
export async function findRepositoryIdOfRun(database: Database, run: string): Promise<string | undefined> {
  const row = await database.selectFrom('runs').select('repository').where('id', '=', run).executeTakeFirst();
  return row?.repository;
}

/** The remote of a repository by choo's own id, on GitHub or not; undefined: there is none. */
export async function findRemote(database: Database, id: string): Promise<string | undefined> {
  const row = await database
    .selectFrom('repositories')
    .select('remote')
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.remote;
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

/** The newest runs of these repositories that a person requested; at most so many, after so many newer ones. */
export async function findNewestRuns(
  database: Database,
  repositories: readonly string[],
  most: number,
  skipped = 0,
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
    .offset(skipped)
    .execute();
  return rows.map(({ id }) => id);
}

/** What a repository's runs used on a day, in UTC. */
export interface DaySpending {
  /** As in 2026-11-30. */
  readonly day: string;
  readonly runs: number;
  readonly tokens: number;
  /** Dollars. */
  readonly cost: number;
}

/** The last days on which runs of a repository used anything, the newest first. */
export async function findSpendingByDay(
  database: Database,
  repository: string,
  most: number,
): Promise<readonly DaySpending[]> {
  const { rows } = await sql<DaySpending>`
    select day::text as day, count(*)::int as runs, sum(tokens)::float8 as tokens, sum(cost)::float8 as cost
    from day_spending join runs on runs.id = day_spending.run
    where runs.repository = ${repository}
    group by day order by day desc limit ${most}`.execute(database);
  return rows;
}
