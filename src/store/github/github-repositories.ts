import { sql } from 'kysely';
import type { Database, Trx } from '../database/database.ts';
import { notify } from '../database/notifications.ts';

/** A repository as GitHub describes it. */
export interface GitHubRepository {
  /** GitHub's id: unlike the name, it never changes. */
  readonly githubId: number;
  readonly installation: number;
  readonly owner: string;
  readonly name: string;
  readonly defaultBranch: string;
  /** Its git URL, normalized. */
  readonly remote: string;
}

/** A repository as choo stores it. */
export interface StoredRepository extends GitHubRepository {
  /** choo's own id. */
  readonly id: string;
  /** The commit of the newest configuration without errors. */
  readonly configCommit: string | null;
  readonly hasLabels: boolean;
}

/** The name of an installation in the table that fair shares count by. */
function installationName(installation: number): string {
  return `github/${installation}`;
}

/** Adds a repository, or updates what changed: its name, owner or installation. */
export async function upsertRepository(
  database: Database,
  { githubId, installation, owner, name, defaultBranch, remote }: GitHubRepository,
): Promise<StoredRepository> {
  // Includes removed ones: a repository that comes back keeps its row.
  const find = async (on: Database) =>
    allRepositories(on).select('removed_at').where('github_id', '=', String(githubId)).executeTakeFirst();
  const before = await find(database);
  const stored = read(before);
  const same =
    before?.removed_at === null &&
    stored?.installation === installation &&
    stored.owner === owner &&
    stored.name === name &&
    stored.defaultBranch === defaultBranch &&
    stored.remote === remote;
  if (same) return stored;
  await database.transaction().execute(async (trx) => {
    // The first deliveries of a repository come at the same moment: it gets one row.
    await sql`select pg_advisory_xact_lock(hashtext(${`choo repository ${githubId}`}))`.execute(trx);
    const known = read(await find(trx));
    const accountName = installationName(installation);
    await trx
      .insertInto('installations')
      .values({ name: accountName, served: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const id = known?.id ?? (await adopt(trx, remote, accountName));
    // An older repository with this remote must not be taken for this one.
    await trx
      .updateTable('repositories')
      .set({ remote: sql<string>`remote || '#' || id` })
      .where('remote', '=', remote)
      .where('id', '!=', id)
      .execute();
    await trx
      .updateTable('repositories')
      .set({ remote, installation: accountName })
      .where('id', '=', id)
      .execute();
    // The copy may contain commits pushed under the previous installation, which the new one must not see.
    if (known !== undefined && known.installation !== installation) await abandonCopy(trx, id);
    const values = {
      repository: id,
      installation,
      owner,
      name,
      default_branch: defaultBranch,
      removed_at: null,
    };
    await trx
      .insertInto('github_repositories')
      .values({ ...values, github_id: githubId, config_commit: null })
      .onConflict((conflict) => conflict.column('github_id').doUpdateSet(values))
      .execute();
  });
  const now = read(
    await allRepositories(database).where('github_id', '=', String(githubId)).executeTakeFirst(),
  );
  if (now === undefined) throw new Error(`repository ${githubId} was not stored`);
  return now;
}

/** Abandons the copies of a repository on all machines, which are deleted later. */
async function abandonCopy(trx: Database | Trx, id: string): Promise<void> {
  await trx
    .updateTable('repositories')
    .set({ copy: sql<string>`gen_random_uuid()` })
    .where('id', '=', id)
    .execute();
  await notify({ about: 'gone' }).execute(trx);
}

/** The row with this remote that is not yet linked to a repository on GitHub, or a new one. */
async function adopt(trx: Trx, remote: string, installation: string): Promise<string> {
  const free = await trx
    .selectFrom('repositories')
    .leftJoin('github_repositories', 'github_repositories.repository', 'repositories.id')
    .select('repositories.id')
    .where('repositories.remote', '=', remote)
    .where('github_repositories.github_id', 'is', null)
    .executeTakeFirst();
  if (free !== undefined) return free.id;
  await trx
    .updateTable('repositories')
    .set({ remote: sql<string>`remote || '#' || id` })
    .where('remote', '=', remote)
    .execute();
  const { id } = await trx
    .insertInto('repositories')
    .values({ remote, installation, max_units: null })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

const COLUMNS = [
  'github_repositories.github_id as githubId',
  'github_repositories.installation as installation',
  'github_repositories.owner as owner',
  'github_repositories.name as name',
  'github_repositories.default_branch as defaultBranch',
  'github_repositories.config_commit as configCommit',
  'github_repositories.has_labels as hasLabels',
  'repositories.id as id',
  'repositories.remote as remote',
] as const;

function allRepositories(database: Database) {
  return database
    .selectFrom('github_repositories')
    .innerJoin('repositories', 'repositories.id', 'github_repositories.repository')
    .select(COLUMNS);
}

/** The repositories that choo has access to. */
function accessible(database: Database) {
  return allRepositories(database).where('github_repositories.removed_at', 'is', null);
}

type Found = Awaited<ReturnType<ReturnType<typeof accessible>['executeTakeFirstOrThrow']>>;

function read(row: Found | undefined): StoredRepository | undefined {
  return row && { ...row, githubId: Number(row.githubId), installation: Number(row.installation) };
}

/** Finds a repository by choo's own id. */
export async function findRepositoryById(
  database: Database,
  id: string,
): Promise<StoredRepository | undefined> {
  return read(await accessible(database).where('repositories.id', '=', id).executeTakeFirst());
}

/** The known repositories of an installation. */
export async function repositoriesOf(
  database: Database,
  installation: number,
): Promise<readonly StoredRepository[]> {
  const rows = await accessible(database)
    .where('github_repositories.installation', '=', String(installation))
    .execute();
  return rows.flatMap((row) => read(row) ?? []);
}

/** Saves which commit's configuration is in effect, and that the labels exist. */
export async function updateRepository(
  database: Database,
  id: string,
  change: { readonly configCommit?: string; readonly hasLabels?: boolean },
): Promise<void> {
  const { configCommit, hasLabels } = change;
  await database
    .updateTable('github_repositories')
    .set({
      ...(configCommit === undefined ? {} : { config_commit: configCommit }),
      ...(hasLabels === undefined ? {} : { has_labels: hasLabels }),
    })
    .where('repository', '=', id)
    .execute();
}

/**
 * Marks a repository as removed: choo lost access to it, and its copies are deleted. With `installation`, only while it belongs
 * to that one: another one may have it by now. Returns its runs that have not ended.
 */
export async function markRepositoryRemoved(
  database: Database,
  githubId: number,
  installation?: number,
): Promise<readonly string[]> {
  const row = await database.transaction().execute(async (trx) => {
    const lost = await trx
      .updateTable('github_repositories')
      .set({ removed_at: sql`now()` })
      .where('github_id', '=', String(githubId))
      .where('removed_at', 'is', null)
      .$if(installation !== undefined, (query) => query.where('installation', '=', String(installation)))
      .returning('repository')
      .executeTakeFirst();
    if (lost !== undefined) await abandonCopy(trx, lost.repository);
    return lost;
  });
  if (row === undefined) return [];
  const runs = await database
    .selectFrom('runs')
    .select('id')
    .where('repository', '=', row.repository)
    .where('status', 'in', ['running', 'waiting'])
    .execute();
  await notify({ about: 'report' }).execute(database);
  return runs.map(({ id }) => id);
}

/** Deletes all data of repositories that were removed `hours` ago. Returns their remotes. */
export async function deleteRemovedRepositories(
  database: Database,
  hours: number,
): Promise<readonly string[]> {
  const { rows } = await sql<{ remote: string; github_id: string }>`
    with lost as (
      select repository, github_id from github_repositories
      where removed_at < now() - ${hours} * interval '1 hour'
        and not exists (select from units join runs on runs.id = units.run
                        where runs.repository = github_repositories.repository and units.worker is not null)
    ), gone as (
      delete from repositories where id in (select repository from lost) returning id, remote
    )
    select remote, github_id from gone join lost on lost.repository = gone.id`.execute(database);
  for (const { github_id } of rows)
    await database.deleteFrom('deliveries').where('github_repository', '=', github_id).execute();
  return rows.map(({ remote }) => remote);
}
