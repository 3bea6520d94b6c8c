import type { Database } from '../database/database.ts';

/** A repository of this server, from `choo submit` or from the App. */
export interface RepositoryRow {
  readonly id: string;
  /** Its git URL, normalized; its last known one when {@link isDisplaced}. */
  readonly remote: string;
  /** Another repository has its URL now, and its new one is not known yet. */
  readonly isDisplaced: boolean;
  /** Random; see the table. */
  readonly copy: string;
  /** Its ids on GitHub; null: the App was never installed on it. */
  readonly github: { readonly id: string; readonly installation: string; readonly isLost: boolean } | null;
}

/** Finds a repository by choo's own id. */
export async function findRepositoryRow(database: Database, id: string): Promise<RepositoryRow | undefined> {
  const row = await rows(database).where('repositories.id', '=', id).executeTakeFirst();
  return row && read(row);
}

/** All repositories, including removed ones until they are deleted. */
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

/** The suffix of a remote that another repository has now. No real URL ends with it. */
function displacedMark(id: string): string {
  return `#${id}`;
}
