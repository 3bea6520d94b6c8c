import { sql } from 'kysely';
import type { Database, Trx } from '../database/database.ts';
import { notify } from '../database/notifications.ts';

/** A repository as GitHub describes it. */
export interface GitHubRepository {
  /** GitHub's number: names change, it does not. */
  readonly githubId: number;
  readonly installation: number;
  readonly owner: string;
  readonly name: string;
  readonly defaultBranch: string;
  /** Where git finds it, normalized. */
  readonly remote: string;
}

/** The same, with what choo knows of it. */
export interface StoredRepository extends GitHubRepository {
  /** choo's own number. */
  readonly id: string;
  /** The commit of the newest configuration without errors. */
  readonly configCommit: string | null;
  readonly hasLabels: boolean;
}

/** Who a repository shares the machines with. */
function shareOf(installation: number): string {
  return `github/${installation}`;
}

/** Makes a repository known, or takes in what changed: its name, its owner, who installed choo on it. */
export async function upsertRepository(
  database: Database,
  { githubId, installation, owner, name, defaultBranch, remote }: GitHubRepository,
): Promise<StoredRepository> {
  // One that was lost and is here again is the one it was.
  const before = await anyKnown(database)
    .select('removed_at')
    .where('github_id', '=', String(githubId))
    .executeTakeFirst();
  const known = read(before);
  const same =
    before?.removed_at === null &&
    known?.installation === installation &&
    known.owner === owner &&
    known.name === name &&
    known.defaultBranch === defaultBranch &&
    known.remote === remote;
  if (same) return known;
  await database.transaction().execute(async (trx) => {
    const share = shareOf(installation);
    await trx
      .insertInto('installations')
      .values({ name: share, served: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const id = known?.id ?? (await adopt(trx, remote, share));
    // A repository of that name that is gone must not be taken for this one.
    await trx
      .updateTable('repositories')
      .set({ remote: sql<string>`remote || '#' || id` })
      .where('remote', '=', remote)
      .where('id', '!=', id)
      .execute();
    await trx.updateTable('repositories').set({ remote, installation: share }).where('id', '=', id).execute();
    // What was pushed while it belonged to others is none of its new owners' business, though they have its history.
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
  const now = read(await anyKnown(database).where('github_id', '=', String(githubId)).executeTakeFirst());
  if (now === undefined) throw new Error(`repository ${githubId} was not kept`);
  return now;
}

/** Its copies on all machines stay behind, and go. */
async function abandonCopy(trx: Database | Trx, id: string): Promise<void> {
  await trx
    .updateTable('repositories')
    .set({ copy: sql<string>`gen_random_uuid()` })
    .where('id', '=', id)
    .execute();
  await notify({ about: 'gone' }).execute(trx);
}

/** The repository of that address that belongs to no other one on GitHub, or a new one. */
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

function anyKnown(database: Database) {
  return database
    .selectFrom('github_repositories')
    .innerJoin('repositories', 'repositories.id', 'github_repositories.repository')
    .select(COLUMNS);
}

/** Those that choo may look at. */
function known(database: Database) {
  return anyKnown(database).where('github_repositories.removed_at', 'is', null);
}

type Found = Awaited<ReturnType<ReturnType<typeof known>['executeTakeFirstOrThrow']>>;

function read(row: Found | undefined): StoredRepository | undefined {
  return row && { ...row, githubId: Number(row.githubId), installation: Number(row.installation) };
}

/** By choo's own number. */
export async function findRepositoryById(
  database: Database,
  id: string,
): Promise<StoredRepository | undefined> {
  return read(await known(database).where('repositories.id', '=', id).executeTakeFirst());
}

/** The repositories that an installation covers, as far as they are known. */
export async function repositoriesOf(
  database: Database,
  installation: number,
): Promise<readonly StoredRepository[]> {
  const rows = await known(database)
    .where('github_repositories.installation', '=', String(installation))
    .execute();
  return rows.flatMap((row) => read(row) ?? []);
}

/** Which commit's configuration holds, and that the labels are there. */
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
 * choo may not look at it any more; `installation` says whose it was, where another one may have it by now. Its copies go.
 * Returns its runs that have not ended.
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

/** Deletes all that is kept of repositories that were lost so long ago. Returns where git found them. */
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
