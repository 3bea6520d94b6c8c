import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Ceilings } from '../config/ceilings.ts';
import { clampConfig } from '../config/hold-to-ceilings.ts';
import { type Config, DEFAULT_CONFIG } from '../config/schema.ts';
import type { DiscoveryCache } from '../discovery/discovery-cache.ts';
import type { Unit } from '../discovery/unit.ts';
import { ChooError } from '../errors.ts';
import { type Credentials, RemoteBranches, remoteHome } from '../git/remote-branches.ts';
import { Repository, scratchDirectory } from '../git/repository.ts';
import { removeTree } from '../git/remove-tree.ts';
import { CommitTree } from '../git/spec-tree.ts';
import { WorktreeManager } from '../git/worktree.ts';
import { type Project, readProject } from '../plan/project.ts';
import type { Database } from '../store/database.ts';
import type { RunBook } from '../store/run-book.ts';
import { listRemotes, liveClaims, readServerRun } from '../store/server-runs.ts';
import type { RunStart } from './run-order.ts';

/** What a worker needs of a run beside its first event, kept with the run. */
const serverPlanSchema = z.object({
  /** The commit that the configuration was read at; that of the specs is in the first event. */
  configCommit: z.string(),
});
export type ServerPlan = z.output<typeof serverPlanSchema>;

/** A remote on this machine: choo's copy of it, and where its worktrees stand. */
export interface RemotePlace {
  readonly repository: Repository;
  readonly branches: RemoteBranches;
  readonly worktrees: WorktreeManager;
  readonly home: string;
}

/** All that is decided about a run before any of its units starts. It never changes. */
export interface RunContext {
  readonly start: RunStart;
  readonly repository: string;
  readonly remote: string;
  readonly config: Config;
  readonly units: ReadonlyMap<string, Unit>;
}

/** A cache that nobody needs any more is removed when nobody touched it for so long. Milliseconds. */
const UNTOUCHED_MS = 6 * 3_600_000;

/** How many runs and remotes are kept in mind. */
const KEPT = 50;

/** The remotes and runs that this process works on. */
export class ServerContexts implements AsyncDisposable {
  /** What the operator allows any repository at most. */
  readonly ceilings: Ceilings;
  readonly #database: Database;
  readonly #book: RunBook;
  readonly #dataDirectory: string;
  readonly #searchPath: string;
  readonly #credentials: (remote: string) => Credentials;
  readonly #places = new Map<string, Promise<RemotePlace>>();
  readonly #runs = new Map<string, Promise<RunContext>>();

  constructor(
    services: { readonly database: Database; readonly book: RunBook },
    place: { readonly dataDirectory: string; readonly searchPath: string; readonly ceilings: Ceilings },
    credentials: (remote: string) => Credentials = () => async () => ({}),
  ) {
    this.#database = services.database;
    this.#book = services.book;
    this.#dataDirectory = place.dataDirectory;
    this.#searchPath = place.searchPath;
    this.ceilings = place.ceilings;
    this.#credentials = credentials;
  }

  /** A remote on this machine, as it was fetched last. */
  async placeOf(remote: string): Promise<RemotePlace> {
    let place = this.#places.get(remote);
    if (place === undefined) {
      place = this.#open(remote);
      this.#places.set(remote, place);
      place.catch(() => this.#places.delete(remote));
    }
    return place;
  }

  /** The run, with its specs and configuration as they were approved. */
  async runOf(run: string): Promise<RunContext> {
    let context = this.#runs.get(run);
    if (context === undefined) {
      context = this.#read(run);
      this.#runs.set(run, context);
      context.catch(() => this.#runs.delete(run));
      for (const oldest of [...this.#runs.keys()].slice(0, -KEPT)) this.#runs.delete(oldest);
    }
    return context;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opening of this.#places.values())
      await (await opening.catch(() => undefined))?.repository[Symbol.asyncDispose]();
    this.#places.clear();
  }

  /** Removes what claims, and processes, left behind that are not there any more. Returns the names. */
  async removeLeftovers(): Promise<readonly string[]> {
    const removed: string[] = [];
    for (const remote of await listRemotes(this.#database)) {
      const place = remoteHome(this.#dataDirectory, remote);
      // Of most of them there is nothing here, and nothing to open.
      if ((await entriesOf(join(place, 'worktrees'))) + (await entriesOf(scratchDirectory(place))) === 0)
        continue;
      const { repository, worktrees, home } = await this.placeOf(remote);
      const scratch = scratchDirectory(home);
      // First what is there, then what is in use: what is made in between is not touched.
      const names = [...(await readdir(repository.worktrees)), ...(await readdir(scratch))];
      const live = await liveClaims(this.#database);
      const dead = new Set(names.filter((name) => !isInUse(name, live)));
      if (dead.size === 0) continue;
      removed.push(...(await worktrees.removeLeftovers({ only: (name) => dead.has(name) })));
      for (const name of dead) await removeTree(join(scratch, name));
    }
    return removed;
  }

  /** Removes the caches of remotes that the server does not know any more, untouched for some hours. Returns their names. */
  async removeUnknown(): Promise<readonly string[]> {
    const root = join(this.#dataDirectory, 'repositories');
    const known = new Set(
      (await listRemotes(this.#database)).map((remote) => basename(remoteHome(this.#dataDirectory, remote))),
    );
    const removed: string[] = [];
    for (const name of await readdir(root).catch(() => [])) {
      const cache = join(root, name, 'cache.git');
      // One that borrows its objects is a local run's; one that is being made may not be known yet.
      const isLocal = existsSync(join(cache, 'objects/info/alternates'));
      const { mtimeMs } = await stat(cache).catch(() => ({ mtimeMs: Date.now() }));
      if (isLocal || known.has(name) || Date.now() - mtimeMs < UNTOUCHED_MS) continue;
      await removeTree(join(root, name));
      removed.push(name);
    }
    return removed;
  }

  /** Packs what has become many small files. */
  async pack(): Promise<void> {
    for (const opening of this.#places.values()) await (await opening).repository.pack();
  }

  async #open(remote: string): Promise<RemotePlace> {
    const home = remoteHome(this.#dataDirectory, remote);
    await mkdir(home, { recursive: true, mode: 0o755 });
    const searchPath = this.#searchPath;
    const branches = new RemoteBranches(remote, home, searchPath, this.#credentials(remote));
    const repository = await Repository.openRemote(home, searchPath, branches);
    await mkdir(scratchDirectory(home), { recursive: true, mode: 0o755 });
    return { repository, branches, worktrees: new WorktreeManager(repository, searchPath), home };
  }

  async #read(run: string): Promise<RunContext> {
    const { repository, remote, plan } = await readServerRun(this.#database, run);
    const start = await this.#book.startOf(run);
    const { configCommit } = serverPlanSchema.parse(plan);
    const place = await this.placeOf(remote);
    const specs = await readCommit(place, start.commit, start.directory);
    const { configuration } =
      configCommit === start.commit ? specs : await readCommit(place, configCommit, start.directory);
    return {
      start,
      repository,
      remote,
      config: clampConfig(configuration.config ?? DEFAULT_CONFIG, this.ceilings).config,
      units: new Map(specs.discovery.units.map((unit) => [unit.id, unit])),
    };
  }
}

/** The project as a commit of a remote has it; fetched when it is not here yet. */
export async function readCommit(
  { repository, branches }: RemotePlace,
  commit: string,
  directory: string,
  cache?: DiscoveryCache,
): Promise<Project> {
  const [there] = await repository.reader.info([commit]);
  if (there === undefined) await branches.fetch();
  const [now] = there === undefined ? await repository.reader.info([commit]) : [there];
  if (now === undefined)
    throw new ChooError('git', `commit ${commit} is not in the remote any more`, {
      hint: 'its branch was rewritten; submit the run again',
    });
  return readProject(await CommitTree.open(repository.reader, commit, directory.replace(/\/$/, '')), cache);
}

/** How many entries a directory has; none where there is no such directory. */
async function entriesOf(path: string): Promise<number> {
  return readdir(path).then(
    (names) => names.length,
    () => 0,
  );
}

/** Whether something is of a claim that somebody works on, or of a process that is there. */
function isInUse(name: string, claims: ReadonlySet<string>): boolean {
  const process = /^spool-(\d+)-/.exec(name)?.[1];
  if (process !== undefined) return existsSync(`/proc/${process}`) || !existsSync('/proc/self');
  return [...claims].some(
    (claim) => name === claim || name.startsWith(`${claim}-`) || name.startsWith(`${claim}.`),
  );
}

/** Where the output of a claim's gates is kept while it works. */
export function claimDirectory({ home }: RemotePlace, run: string, claim: number, unit: string): string {
  return join(scratchDirectory(home), `${run}.${claim}.${unit}`);
}
