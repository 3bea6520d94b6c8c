import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../../errors.ts';
import { copyName, ownerOfCopy } from '../../git/copy-name.ts';
import { type Access, RemoteBranches } from '../../git/remote-branches.ts';
import { cacheDirectory, Repository, scratchDirectory } from '../../git/repository.ts';
import { WorktreeManager } from '../../git/worktree.ts';
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
 * A remote on this machine: choo's copy of it, and where its worktrees stand. It is lent: dispose of it when done with it,
 * and until then neither its processes end nor its directory goes.
 */
export interface RemoteRepository extends Disposable {
  readonly repository: Repository;
  readonly branches: RemoteBranches;
  readonly worktrees: WorktreeManager;
  readonly home: string;
  /** Reads and plans what it holds; see the jobs. Throws a ChooError (`limit`) for what takes too long. */
  readonly ask: <N extends JobName>(
    name: N,
    argument: Jobs[N]['argument'],
    signal?: AbortSignal,
  ) => Promise<Jobs[N]['result']>;
}

/** Where the copies are, and what is done with them. */
export interface RemoteRepositoriesOptions {
  readonly dataDirectory: string;
  readonly searchPath: string;
  /** Reads and plans. */
  readonly perform: PerformJob;
}

type Opened = Omit<RemoteRepository, typeof Symbol.dispose>;

/** Git's settings to reach a repository at its address; `renew`: those from before were not believed. */
export type CredentialsOf = (
  repository: RepositoryRow,
  renew: boolean,
) => Promise<Readonly<Record<string, string>>>;

/** A copy of a repository that nobody knows is removed when nobody touched it for so long. Milliseconds. */
const UNUSED_COPY_MS = 6 * 3_600_000;
/** How many copies have processes of git that wait, though nobody works on them. */
const KEPT_OPEN = 16;
/** What is removed is called so first, and is nobody's copy from then on. */
const REMOVED_PREFIX = '.going-';

/**
 * The repositories that this process works on, by choo's own number. A copy belongs to a row of the database: whoever has the
 * address later has another row, another copy, and never a token for this one.
 */
export class RemoteRepositories implements AsyncDisposable {
  readonly #database: Database;
  readonly #root: string;
  readonly #searchPath: string;
  readonly #perform: PerformJob;
  readonly #credentials: CredentialsOf;
  /** By the names of their directories. */
  readonly #open = new LeaseCache<Opened>(KEPT_OPEN, async ({ repository }) =>
    repository[Symbol.asyncDispose](),
  );
  /** Copies that are nobody's any more, and go when nobody of this process works on them. */
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

  /** A repository on this machine, as it was fetched last. Throws a ChooError (`environment`) for one that was lost. */
  async open(repository: string): Promise<RemoteRepository> {
    const row = await this.#find(repository);
    return this.#openCopy(row);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open[Symbol.asyncDispose]();
  }

  /** Removes what claims, and processes, left behind that are not there any more. Returns the names. */
  async removeLeftovers(): Promise<readonly string[]> {
    const removed: string[] = [];
    for (const row of await listRepositoryRows(this.#database)) {
      const home = join(this.#root, nameOf(row));
      // Of most of them there is nothing here, and nothing to open.
      if ((await entriesOf(home)).length === 0) continue;
      using remote = await this.#openCopy(row);
      // First what is there, then what is in use: what is made in between is not touched.
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
   * Removes the copies that are nobody's any more: at once where the repository was lost or has another copy now, and when
   * nobody touched them for hours where no repository is known that they could be of. What a claim works on stays until it
   * has ended. Returns the names.
   */
  async removeGone(): Promise<readonly string[]> {
    const removed: string[] = [];
    // First what is there, then what is known: what is made in between is not touched.
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

  /** Packs what has become many small files, and removes views that were not used lately. */
  async pack(): Promise<void> {
    for (const row of await listRepositoryRows(this.#database)) {
      if (!this.#open.names().has(nameOf(row))) continue;
      using remote = await this.#openCopy(row);
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

  /** Removes a copy once nobody of this process works on it. */
  async #leave(name: string): Promise<void> {
    if (this.#leaving.has(name)) return;
    this.#leaving.add(name);
    await this.#open.drop(name);
    this.#leaving.delete(name);
    await this.removeGone().catch(() => []); // the next round tries again
  }

  /** Where that very repository is now, whoever has an address that it had. */
  #accessTo(repository: string): Access {
    return async (renew) => {
      const row = await this.#find(repository);
      const { remote, isDisplaced } = row;
      if (isDisplaced)
        throw new ChooError('environment', `${remote} belongs to another repository now`, {
          hint: 'GitHub has not said yet what this one is called; it is tried again later',
        });
      return { remote, settings: await this.#credentials(row, renew) };
    };
  }
}

function nameOf({ remote, copy, github }: RepositoryRow): string {
  return copyName({ remote, copy, hostId: github?.id ?? null });
}

/** Whether a copy that no row stands for may go: it is no local run's, and nobody touched it for long. */
async function isForgotten(home: string): Promise<boolean> {
  const cache = cacheDirectory(home);
  const { mtimeMs } = await stat(cache).catch(() => ({ mtimeMs: Date.now() }));
  if (existsSync(join(cache, 'objects/info/alternates'))) return false; // one that borrows its objects is a local run's
  await chmod(home, 0o700).catch(() => {}); // an older choo left it open
  return Date.now() - mtimeMs >= UNUSED_COPY_MS;
}

/** Whichever process is first removes it; for all others it is gone at once. */
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

/** What stands in a copy's directory for claims and processes; none where there is no such directory. */
async function entriesOf(home: string): Promise<readonly string[]> {
  const remotes = [join(home, 'worktrees'), scratchDirectory(home)];
  return (await Promise.all(remotes.map(async (remote) => readdir(remote).catch(() => [])))).flat();
}

/** Whether something is of a claim that somebody works on, or of a process that is there. */
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
