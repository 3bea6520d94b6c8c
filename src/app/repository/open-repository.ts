import type { Octokit } from '@octokit/rest';
import type { ProviderName } from '../../config/schema.ts';
import { CheckClient } from '../../github/api/checks.ts';
import type { GitHubApp } from '../../github/api/client.ts';
import { PRClient } from '../../github/api/pr-client.ts';
import type { RemoteRepository } from '../../orchestrator/server/remote-repositories.ts';
import type { ServerContexts } from '../../orchestrator/server/server-context.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Database } from '../../store/database/database.ts';
import { type StoredRepository, upsertRepository } from '../../store/github/github-repositories.ts';
import { PostStore } from '../../store/github/posts.ts';
import type { Jobs } from '../../store/runs/jobs.ts';
import type { RunStore } from '../../store/runs/run-store.ts';
import type { Common } from './payloads.ts';
import { normalizeRemote } from '../../git/remote-address.ts';

/** What the operator decided about requests. */
interface OperatorPolicy {
  /** Accounts of bots that may ask, by number. */
  readonly bots: ReadonlySet<number>;
  readonly allowedProviders: readonly ProviderName[] | undefined;
  /** What the operator prefers where nobody says anything. */
  readonly provider: ProviderName | undefined;
  readonly sandbox: Sandbox['kind'];
}

/** What handlers work with. */
export interface HandlerServices {
  readonly database: Database;
  readonly runStore: RunStore;
  readonly jobs: Jobs;
  readonly contexts: ServerContexts;
  readonly github: GitHubApp;
  /** Scheme and host of GitHub, as git and browsers reach it. */
  readonly origin: string;
  readonly policy: OperatorPolicy;
  /** Takes secret values out of what is shown. */
  readonly redact: (text: string) => string;
  /** Ends what is under way: git, requests, reading. Whoever is told of it waits until that has ended. */
  readonly signal?: AbortSignal | undefined;
}

/** A repository on GitHub, and all that a handler does there. */
export interface OpenRepository {
  readonly known: StoredRepository;
  readonly octokit: Octokit;
  readonly pr: PRClient;
  readonly checks: CheckClient;
  readonly posts: PostStore;
  /** The pages of the repository begin so. */
  readonly url: string;
  /** choo's copy of it, lent; not fetched yet. */
  readonly openRemote: () => Promise<RemoteRepository>;
}

/** Opens the repository that a payload is about; what changed about it is taken in. */
export async function openRepository(
  { installation, repository }: Pick<Common, 'installation' | 'repository'>,
  services: HandlerServices,
): Promise<OpenRepository> {
  const owner = repository.owner.login;
  const known = await upsertRepository(services.database, {
    githubId: repository.id,
    installation: installation.id,
    owner,
    name: repository.name,
    defaultBranch: repository.default_branch,
    remote: normalizeRemote(`${services.origin}/${owner}/${repository.name}.git`),
  });
  return openStoredRepository(known, services);
}

/** The same for one that is known already. */
export function openStoredRepository(
  known: StoredRepository,
  {
    database,
    github,
    contexts,
    origin,
    signal,
  }: Pick<HandlerServices, 'database' | 'github' | 'contexts' | 'origin' | 'signal'>,
): OpenRepository {
  const { owner, name, installation, id } = known;
  const octokit = github.clientOf(installation, signal);
  const posts = new PostStore(database, id);
  const client = { octokit, owner, name, appId: github.appId, posts };
  return {
    known,
    octokit,
    posts,
    pr: new PRClient(client),
    checks: new CheckClient(client),
    url: `${origin}/${owner}/${name}`,
    openRemote: async () => contexts.remotes.open(id),
  };
}
