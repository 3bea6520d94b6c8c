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

/** What a worker needs of a run beside its first event, kept with the run. */
const serverPlanSchema = z.object({
  /** The commit that the configuration was read at; that of the specs is in the first event. */
  configCommit: z.string(),
});
export type ServerPlan = z.output<typeof serverPlanSchema>;

/** All that is decided about a run before any of its units starts. It never changes. */
export interface RunContext {
  readonly start: OrchStarted;
  /** choo's own number of its repository. */
  readonly repository: string;
  readonly config: Config;
}

/** How many runs are kept in mind. */
const CACHE_SIZE = 50;

/** The repositories and runs that this process works on. */
export class ServerContexts implements AsyncDisposable {
  /** What the operator allows any repository at most. */
  readonly ceilings: Ceilings;
  readonly remotes: RemoteRepositories;
  readonly #database: Database;
  readonly #book: RunStore;
  readonly #runs = new LRUCache<string, RunContext>({
    max: CACHE_SIZE,
    fetchMethod: async (run) => this.#read(run),
    ignoreFetchAbort: true, // whoever asked wants it, though others came after
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

  /** The run, with its configuration as it was approved. */
  async runOf(run: string): Promise<RunContext> {
    return this.#runs.forceFetch(run);
  }

  /** One unit of a run, with its specs as they were approved; undefined: there is none of that name that is fit to run. */
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

/** Fetches where a commit of the remote is not here yet. */
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

/** Where the output of a claim's gates is kept while it works. */
export function claimDirectory({ home }: RemoteRepository, run: string, claim: number, unit: string): string {
  return join(scratchDirectory(home), `${run}.${claim}.${unit}`);
}
