import type { Database } from '../database/database.ts';

/** A repository of this server, from a terminal or of the App. */
export interface RepositoryRow {
  readonly id: string;
  /** Where git finds it, normalized; where {@link isDisplaced} says so, where it was found. */
  readonly remote: string;
  /** Another repository has its address now, and nobody has said yet where this one is. */
  readonly isDisplaced: boolean;
  /** Random; see the table. */
  readonly copy: string;
  /** What GitHub knows it by; null: the App is not, and was not, installed on it. */
  readonly github: { readonly id: string; readonly installation: string; readonly isLost: boolean } | null;
}

/** By choo's own number. */
export async function findRepositoryRow(database: Database, id: string): Promise<RepositoryRow | undefined> {
  const row = await rows(database).where('repositories.id', '=', id).executeTakeFirst();
  return row && read(row);
}

/** All of them, those that were lost too until they are forgotten. */
export async function listRepositoryRows(database: Database): Promise<readonly RepositoryRow[]> {
  return (await rows(database).orderBy('repositories.id').execute()).map(read);
}

function rows(database: Database) {
  return database
    .selectFrom('repositories')
    .leftJoin('github_repositories', 'github_repositories.repository', 'repositories.id')
    .select([
      'repositories.id',
      'repositories.remote',
      'repositories.copy',
      'github_repositories.github_id',
      'github_repositories.installation',
      'github_repositories.removed_at',
    ]);
}

type Found = Awaited<ReturnType<ReturnType<typeof rows>['executeTakeFirstOrThrow']>>;

function read({
  id,
  remote,
  copy,
  github_id: githubId,
  installation,
  removed_at: lost,
}: Found): RepositoryRow {
  const mark = displacedMark(id);
  return {
    id,
    remote: remote.endsWith(mark) ? remote.slice(0, -mark.length) : remote,
    isDisplaced: remote.endsWith(mark),
    copy,
    github:
      githubId === null || installation === null
        ? null
        : { id: githubId, installation, isLost: lost !== null },
  };
}

/** What follows an address in the row that had it before another one. No address of its own ends so. */
function displacedMark(id: string): string {
  return `#${id}`;
}
