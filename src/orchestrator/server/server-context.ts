import { LRUCache } from 'lru-cache';
import { join } from 'node:path';
import { z } from 'zod';
import type { Ceilings } from '../../config/ceilings.ts';
import { clampConfig } from '../../config/apply-ceilings.ts';
import type { Config } from '../../config/schema.ts';
import type { Unit } from '../../discovery/unit.ts';
import { ChooError } from '../../errors.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import { scratchDirectory } from '../../git/repository.ts';
import type { Database } from '../../store/database/database.ts';
import type { RunStore } from '../../store/runs/run-store.ts';
import { readServerRun } from '../../store/runs/run-reader.ts';
import {
  type CredentialsOf,
  type RemoteRepositoriesOptions,
  type RemoteRepository,
  RemoteRepositories,
} from './remote-repositories.ts';

/** What a worker needs of a run beside its first event. Stored with the run. */
const serverPlanSchema = z.object({
  /** The commit of the configuration; that of the specs is in the first event. */
  configCommit: z.string(),
});
export type ServerPlan = z.output<typeof serverPlanSchema>;

/** What is decided about a run before a unit starts. Immutable. */
export interface RunContext {
  readonly start: OrchStarted;
  /** choo's own number of its repository. */
  readonly repository: string;
  readonly config: Config;
}

/** Cached runs. */
const CACHE_SIZE = 50;

/** The repositories and runs that this process works on. */
export class ServerContexts implements AsyncDisposable {
  /** The operator's ceilings for every repository. */
  readonly ceilings: Ceilings;
  readonly remotes: RemoteRepositories;
  readonly #database: Database;
  readonly #book: RunStore;
  readonly #runs = new LRUCache<string, RunContext>({
    max: CACHE_SIZE,
    fetchMethod: async (run) => this.#read(run),
    ignoreFetchAbort: true, // finishes an evicted fetch: its caller still waits for it
  });

  constructor(
    services: { readonly database: Database; readonly runStore: RunStore },
    remote: RemoteRepositoriesOptions & { readonly ceilings: Ceilings },
    credentials: CredentialsOf = async () => ({}),
  ) {
    this.#database = services.database;
    this.#book = services.runStore;
    this.ceilings = remote.ceilings;
    this.remotes = new RemoteRepositories(services.database, remote, credentials);
  }

  /** Reads a run with its approved configuration. */
  async runOf(run: string): Promise<RunContext> {
    return this.#runs.forceFetch(run);
  }

  /** Reads one unit of a run with its approved specs; undefined when there is no runnable unit of that name. */
  async unitOf(run: string, unit: string, signal?: AbortSignal): Promise<Unit | undefined> {
    const { start, repository } = await this.runOf(run);
    using remote = await this.remotes.open(repository);
    await fetchCommit(remote, start.commit, signal);
    return await remote.ask('readUnit', { ...projectAt(start, start.commit), id: unit }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remotes[Symbol.asyncDispose]();
  }

  async #read(run: string): Promise<RunContext> {
    const { repository, plan } = await readServerRun(this.#database, run);
    const start = await this.#book.startOf(run);
    const { configCommit } = serverPlanSchema.parse(plan);
    using remote = await this.remotes.open(repository);
    await fetchCommit(remote, configCommit);
    const config = await remote.ask('readConfig', projectAt(start, configCommit));
    return {
      start,
      repository,
      config: clampConfig(config, this.ceilings).config,
    };
  }
}

function projectAt({ directory }: OrchStarted, commit: string): { commit: string; directory: string } {
  return { commit, directory: directory.replace(/\/$/, '') };
}

/** Fetches when the copy does not have a commit of the remote yet. */
export async function fetchCommit(
  { repository, branches }: RemoteRepository,
  commit: string,
  signal?: AbortSignal,
): Promise<void> {
  const [there] = await repository.reader.info([commit]);
  if (there === undefined) await branches.fetch(signal);
  const [now] = there === undefined ? await repository.reader.info([commit]) : [there];
  if (now === undefined)
    throw new ChooError('git', `commit ${commit} is not in the remote any more`, {
      hint: 'its branch was rewritten; submit the run again',
    });
}

/** Directory of the output of a claim's gates while it works. */
export function claimDirectory({ home }: RemoteRepository, run: string, claim: number, unit: string): string {
  return join(scratchDirectory(home), `${run}.${claim}.${unit}`);
}
