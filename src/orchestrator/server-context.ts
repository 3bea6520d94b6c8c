import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Ceilings } from '../config/ceilings.ts';
import { clampConfig } from '../config/hold-to-ceilings.ts';
import { type Config, DEFAULT_CONFIG } from '../config/schema.ts';
import type { DiscoveryCache } from '../discovery/discovery-cache.ts';
import type { Unit } from '../discovery/unit.ts';
import { ChooError } from '../errors.ts';
import { scratchDirectory } from '../git/repository.ts';
import { CommitTree } from '../git/spec-tree.ts';
import { type Project, readProject } from '../plan/project.ts';
import type { Database } from '../store/database.ts';
import type { RunBook } from '../store/run-book.ts';
import { readServerRun } from '../store/server-runs.ts';
import { type CredentialsOf, type RemotePlace, RemotePlaces } from './remote-places.ts';
import type { RunStart } from './run-order.ts';

/** What a worker needs of a run beside its first event, kept with the run. */
const serverPlanSchema = z.object({
  /** The commit that the configuration was read at; that of the specs is in the first event. */
  configCommit: z.string(),
});
export type ServerPlan = z.output<typeof serverPlanSchema>;

/** All that is decided about a run before any of its units starts. It never changes. */
export interface RunContext {
  readonly start: RunStart;
  /** choo's own number of its repository. */
  readonly repository: string;
  readonly config: Config;
  readonly units: ReadonlyMap<string, Unit>;
}

/** How many runs are kept in mind. */
const KEPT = 50;

/** The repositories and runs that this process works on. */
export class ServerContexts implements AsyncDisposable {
  /** What the operator allows any repository at most. */
  readonly ceilings: Ceilings;
  readonly places: RemotePlaces;
  readonly #database: Database;
  readonly #book: RunBook;
  readonly #runs = new LRUCache<string, RunContext>({
    max: KEPT,
    fetchMethod: async (run) => this.#read(run),
    ignoreFetchAbort: true, // whoever asked wants it, though others came after
  });

  constructor(
    services: { readonly database: Database; readonly book: RunBook },
    place: { readonly dataDirectory: string; readonly searchPath: string; readonly ceilings: Ceilings },
    credentials: CredentialsOf = async () => ({}),
  ) {
    this.#database = services.database;
    this.#book = services.book;
    this.ceilings = place.ceilings;
    this.places = new RemotePlaces(services.database, place, credentials);
  }

  /** The run, with its specs and configuration as they were approved. */
  async runOf(run: string): Promise<RunContext> {
    return this.#runs.forceFetch(run);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.places[Symbol.asyncDispose]();
  }

  async #read(run: string): Promise<RunContext> {
    const { repository, plan } = await readServerRun(this.#database, run);
    const start = await this.#book.startOf(run);
    const { configCommit } = serverPlanSchema.parse(plan);
    using place = await this.places.open(repository);
    const specs = await readCommit(place, start.commit, start.directory);
    const { configuration } =
      configCommit === start.commit ? specs : await readCommit(place, configCommit, start.directory);
    return {
      start,
      repository,
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

/** Where the output of a claim's gates is kept while it works. */
export function claimDirectory({ home }: RemotePlace, run: string, claim: number, unit: string): string {
  return join(scratchDirectory(home), `${run}.${claim}.${unit}`);
}
