import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../../errors.ts';
import { copyName, ownerOfCopy } from '../../git/copy-name.ts';
import { type Access, RemoteBranches } from '../../git/remote-branches.ts';
import { dropRetained } from '../../git/retained.ts';
import { cacheDirectory, Repository, scratchDirectory } from '../../git/repository.ts';
import { BESIDE, WorktreeManager } from '../../git/worktree.ts';
import type { JobName, Jobs } from '../../plan-thread/jobs.ts';
import type { PerformJob } from '../../plan-thread/plan-thread.ts';
import type { Database } from '../../store/database/database.ts';
import {
  findRepositoryRow,
  listRepositoryRows,
  type RepositoryRow,
} from '../../store/github/repositories.ts';
import { liveClaims } from '../../store/runs/run-reader.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { LeaseCache } from './lease-cache.ts';

/**
 * An opened remote: choo's copy of it, with its worktrees. Its processes and directory stay until every user has disposed of
 * it.
 */
export interface RemoteRepository extends Disposable {
  readonly repository: Repository;
  readonly branches: RemoteBranches;
  readonly worktrees: WorktreeManager;
  readonly home: string;
  /** Runs a job (reading, planning) on the copy. Throws a ChooError (`limit`) when it takes too long. */
  readonly ask: <N extends JobName>(
    name: N,
    argument: Jobs[N]['argument'],
    signal?: AbortSignal,
  ) => Promise<Jobs[N]['result']>;
}

/** Where the copies are, and what runs jobs on them. */
export interface RemoteRepositoriesOptions {
  readonly dataDirectory: string;
  readonly searchPath: string;
  /** Runs jobs. */
  readonly perform: PerformJob;
}

type Opened = Omit<RemoteRepository, typeof Symbol.dispose>;

/** Git settings with credentials for a repository; `renew`: the previous ones were rejected. */
export type CredentialsOf = (
  repository: RepositoryRow,
  renew: boolean,
) => Promise<Readonly<Record<string, string>>>;

/** A copy of an unknown repository is removed when it was unused for so long. Milliseconds. */
const UNUSED_COPY_MS = 6 * 3_600_000;
/** Unused copies whose git processes stay open. */
const MAX_IDLE_OPEN = 16;
/** A copy is renamed with this prefix before it is removed, so that no process opens it. */
const REMOVED_PREFIX = '.going-';

/**
 * The repositories that this process works on, by choo's own number. A copy belongs to a row of the database: a repository that
 * takes over the address later has another row and another copy, and never gets a token for this one.
 */
export class RemoteRepositories implements AsyncDisposable {
  readonly #database: Database;
  readonly #root: string;
  readonly #searchPath: string;
  readonly #perform: PerformJob;
  readonly #credentials: CredentialsOf;
  /** By directory name. */
  readonly #open = new LeaseCache<Opened>(MAX_IDLE_OPEN, async ({ repository }) =>
    repository[Symbol.asyncDispose](),
  );
  /** Names of orphaned copies that are removed after their last use in this process. */
  readonly #leaving = new Set<string>();

  constructor(
    database: Database,
    { dataDirectory, searchPath, perform }: RemoteRepositoriesOptions,
    credentials: CredentialsOf,
  ) {
    this.#database = database;
    this.#root = join(dataDirectory, 'repositories');
    this.#searchPath = searchPath;
    this.#perform = perform;
    this.#credentials = credentials;
  }

  /** Opens a copy, as last fetched. Throws a ChooError (`environment`) when the App lost access to the repository. */
  async open(repository: string): Promise<RemoteRepository> {
    const row = await this.#find(repository);
    return this.#openCopy(row);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open[Symbol.asyncDispose]();
  }

  /** Removes what ended claims and processes left behind. Returns the names. */
  async removeLeftovers(): Promise<readonly string[]> {
    const removed: string[] = [];
    for (const row of await listRepositoryRows(this.#database)) {
      const home = join(this.#root, nameOf(row));
      // Most have nothing on this machine, so nothing is opened.
      if ((await entriesOf(home)).length === 0) continue;
      using remote = await this.#openCopy(row);
      // Lists entries before claims, so that an entry made in between is not touched.
      const names = await entriesOf(home);
      const live = await liveClaims(this.#database);
      const dead = new Set(names.filter((name) => !isInUse(name, live)));
      if (dead.size === 0) continue;
      removed.push(...(await remote.worktrees.removeLeftovers({ only: (name) => dead.has(name) })));
      for (const name of dead) await removeTree(join(scratchDirectory(home), name));
    }
    return removed;
  }

  /**
   * Removes orphaned copies: at once when the repository was lost or has another copy now, and after hours without use when
   * the repository is unknown. A copy that a claim works on stays until the claim has ended. Returns the names.
   */
  async removeGone(): Promise<readonly string[]> {
    const removed: string[] = [];
    // Lists copies before rows, so that a copy made in between is not touched.
    const [open, names] = [this.#open.names(), await readdir(this.#root).catch(() => [])];
    const rows = await listRepositoryRows(this.#database);
    const live = await liveClaims(this.#database);
    const known = new Set(rows.filter(({ github }) => github?.isLost !== true).map(nameOf));
    const owners = new Set(rows.map((row) => ownerOfCopy(nameOf(row))));
    for (const name of open) if (!known.has(name)) void this.#leave(name);
    for (const name of names) {
      if (known.has(name) || this.#open.isLent(name)) continue;
      const home = join(this.#root, name);
      const isOurs = name.startsWith(REMOVED_PREFIX) || owners.has(ownerOfCopy(name));
      if (!isOurs && !(await isForgotten(home))) continue;
      if ((await entriesOf(home)).some((entry) => isOfClaim(entry, live))) continue;
      if (await removeWhole(home)) removed.push(name);
    }
    return removed;
  }

  /** Packs loose objects, and removes views that were not used lately, and commits retained for more than so many days. */
  async pack(retentionDays: number): Promise<void> {
    for (const row of await listRepositoryRows(this.#database)) {
      if (!this.#open.names().has(nameOf(row))) continue;
      using remote = await this.#openCopy(row);
      await dropRetained(remote.repository, retentionDays);
      await remote.repository.pack();
      await remote.repository.views?.prune();
    }
  }

  async #find(repository: string): Promise<RepositoryRow> {
    const row = await findRepositoryRow(this.#database, repository);
    if (row === undefined) throw new ChooError('internal', `there is no repository ${repository}`);
    if (row.github?.isLost === true)
      throw new ChooError('environment', `the App is not installed on ${row.remote} any more`);
    return row;
  }

  async #openCopy(row: RepositoryRow): Promise<RemoteRepository> {
    const name = nameOf(row);
    const lease = await this.#open.lend(name, async () => this.#make(row.id, join(this.#root, name)));
    return { ...lease.thing, [Symbol.dispose]: () => lease[Symbol.dispose]() };
  }

  async #make(repository: string, home: string): Promise<Opened> {
    const searchPath = this.#searchPath;
    const branches = new RemoteBranches(this.#accessTo(repository), home, searchPath);
    const opened = await Repository.openRemote(home, searchPath, branches);
    await mkdir(scratchDirectory(home), { recursive: true, mode: 0o755 });
    const { directory } = opened.git;
    return {
      repository: opened,
      branches,
      worktrees: new WorktreeManager(opened, searchPath),
      home,
      ask: async (name, argument, signal) =>
        this.#perform(name, { remote: { directory, searchPath }, argument }, signal),
    };
  }

  /** Removes a copy after its last use in this process. */
  async #leave(name: string): Promise<void> {
    if (this.#leaving.has(name)) return;
    this.#leaving.add(name);
    await this.#open.drop(name);
    this.#leaving.delete(name);
    await this.removeGone().catch(() => []); // the next round retries
  }

  /** The current address of the repository with that number, and its credentials. */
  #accessTo(repository: string): Access {
    return async (renew) => {
      const row = await this.#find(repository);
      const { remote, isDisplaced } = row;
      if (isDisplaced)
        throw new ChooError('environment', `${remote} belongs to another repository now`, {
          hint: 'GitHub has not reported the new address of this one yet; choo retries later',
        });
      return { remote, settings: await this.#credentials(row, renew) };
    };
  }
}

function nameOf({ remote, copy, github }: RepositoryRow): string {
  return copyName({ remote, copy, hostId: github?.id ?? null });
}

/** Whether a copy without a row may be removed: it is not a local run's, and was unused for long. */
async function isForgotten(home: string): Promise<boolean> {
  const cache = cacheDirectory(home);
  const { mtimeMs } = await stat(cache).catch(() => ({ mtimeMs: Date.now() }));
  if (existsSync(join(cache, 'objects/info/alternates'))) return false; // local runs borrow their objects
  await chmod(home, 0o700).catch(() => {}); // older versions left it readable by others
  return Date.now() - mtimeMs >= UNUSED_COPY_MS;
}

/** Removes a copy. The rename makes one process win; for all others the copy is gone at once. */
async function removeWhole(home: string): Promise<boolean> {
  const going = join(home, '..', `${REMOVED_PREFIX}${randomUUID()}`);
  try {
    await rename(home, going);
  } catch {
    return false;
  }
  await removeTree(going);
  return true;
}

/** Entries of claims and processes in a copy's directory; empty when there is no such directory. */
async function entriesOf(home: string): Promise<readonly string[]> {
  const remotes = [join(home, 'worktrees'), join(home, BESIDE), scratchDirectory(home)];
  return (await Promise.all(remotes.map(async (remote) => readdir(remote).catch(() => [])))).flat();
}

/** Whether an entry belongs to a live claim or a live process. */
function isInUse(name: string, claims: ReadonlySet<string>): boolean {
  const process = /^spool-(\d+)-/.exec(name)?.[1];
  if (process !== undefined) return existsSync(`/proc/${process}`) || !existsSync('/proc/self');
  return isOfClaim(name, claims);
}

function isOfClaim(name: string, claims: ReadonlySet<string>): boolean {
  return [...claims].some(
    (claim) => name === claim || name.startsWith(`${claim}-`) || name.startsWith(`${claim}.`),
  );
}
