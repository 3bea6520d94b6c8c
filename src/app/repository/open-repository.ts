import type { Octokit } from '@octokit/rest';
import type { ProviderName } from '../../config/schema.ts';
import { CheckClient } from '../../github/api/checks.ts';
import type { GitHubApp } from '../../github/api/client.ts';
import { PRClient } from '../../github/api/pr-client.ts';
import { ReviewClient } from '../../github/api/review-client.ts';
import type { RemoteRepository } from '../../orchestrator/server/remote-repositories.ts';
import type { ServerContexts } from '../../orchestrator/server/server-context.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { MissingProvider } from '../../plan/plan.ts';
import type { Database } from '../../store/database/database.ts';
import { type StoredRepository, upsertRepository } from '../../store/github/github-repositories.ts';
import { PostStore } from '../../store/github/posts.ts';
import type { RunStore } from '../../store/runs/run-store.ts';
import type { Common } from './payloads.ts';
import { normalizeRemote } from '../../git/remote-address.ts';

/** What the operator decided about requests. */
interface OperatorPolicy {
  /** Ids of the bot accounts that may make requests. */
  readonly bots: ReadonlySet<number>;
  readonly allowedProviders: readonly ProviderName[] | undefined;
  /** Finds the providers that this machine cannot start: a program or a key is missing. */
  readonly missingProviders?: () => ReadonlyMap<ProviderName, MissingProvider>;
  /** The default when neither a spec nor a request chooses one. */
  readonly provider: ProviderName | undefined;
  readonly sandbox: Sandbox['kind'];
  /** How long a unit branch must be quiet before choo verifies what others pushed to it. Milliseconds. */
  readonly settleMs: number;
}

/** Services of the handlers. */
export interface HandlerServices {
  readonly database: Database;
  readonly runStore: RunStore;
  readonly contexts: ServerContexts;
  readonly github: GitHubApp;
  /** Scheme and host of GitHub, as git and browsers reach it. */
  readonly origin: string;
  readonly policy: OperatorPolicy;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Removes secret values from text before it is shown. */
  readonly redact: (text: string) => string;
  /** Writes a line of the operator's log. */
  readonly story: (facts: object, message: string) => void;
  /** Cancels git, requests and planning. The handler waits until they have ended. */
  readonly signal?: AbortSignal | undefined;
}

/** A repository on GitHub, with the clients that handlers use. */
export interface OpenRepository {
  readonly known: StoredRepository;
  readonly octokit: Octokit;
  readonly pr: PRClient;
  readonly checks: CheckClient;
  readonly reviews: ReviewClient;
  readonly posts: PostStore;
  /** The repository's address in a browser, without a trailing slash. */
  readonly url: string;
  /** Opens choo's copy; dispose of it when done. Does not fetch. */
  readonly openRemote: () => Promise<RemoteRepository>;
}

/** Opens the repository of a payload, and saves its current name, owner and default branch. */
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

/** Opens a repository that is stored already. */
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
    reviews: new ReviewClient(client),
    url: `${origin}/${owner}/${name}`,
    openRemote: async () => contexts.remotes.open(id),
  };
}
