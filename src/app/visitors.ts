import { LRUCache } from 'lru-cache';
import pLimit from 'p-limit';
import { ChooError, messageOf } from '../errors.ts';
import { findLevel, findSender } from '../github/api/access.ts';
import type { GitHubApp } from '../github/api/client.ts';
import type { Database } from '../store/database/database.ts';
import {
  findActiveRepositories,
  findNewestRuns,
  findRepositoryOfRun,
} from '../store/github/runs-of-repositories.ts';
import type { StoredRepository } from '../store/github/github-repositories.ts';

/** What a person may see and do in a repository, and until when the answer may be relied on. Milliseconds since 1970. */
interface Grant {
  readonly access: 'none' | 'read' | 'push';
  readonly until: number;
}

interface Person {
  readonly id: number;
  readonly login: string;
}

export interface VisitorServices {
  readonly database: Database;
  readonly github: Pick<GitHubApp, 'clientOf'>;
  /** Numbers of accounts that may see and do everything. */
  readonly operators: ReadonlySet<number>;
  readonly now: () => number;
  /** How long an answer of GitHub is relied on. Milliseconds. */
  readonly grantMs?: number;
}

/** How long an answer of GitHub about access is relied on: a page that is open longer asks again. Milliseconds. */
const GRANT_MS = 3 * 60_000;
/** Answers that are remembered. */
const MAX_GRANTS = 20_000;
/** Repositories that the first page of a person asks about, those that ran last, and how many at once. */
const MAX_REPOSITORIES = 60;
const ASKED_AT_ONCE = 8;

/** What people who signed in may see: asked of GitHub with the installation's token, by the numbers of their accounts. */
export class Visitors {
  readonly #services: VisitorServices;
  readonly #grants = new LRUCache<string, Promise<Grant>>({ max: MAX_GRANTS });
  readonly #asking = pLimit(ASKED_AT_ONCE);

  constructor(services: VisitorServices) {
    this.#services = services;
  }

  isOperator({ id }: Person): boolean {
    return this.#services.operators.has(id);
  }

  /**
   * What a person may see of a run. `isAskedNow`: by an answer of this moment. Throws a ChooError (`environment`) when GitHub does
   * not answer.
   */
  async grantFor(person: Person, run: string, isAskedNow = false): Promise<Grant> {
    const { database, now, grantMs = GRANT_MS } = this.#services;
    const until = now() + grantMs;
    if (this.isOperator(person)) return { access: 'push', until };
    const repository = await findRepositoryOfRun(database, run);
    return repository === undefined ? { access: 'none', until } : this.#ask(person, repository, isAskedNow);
  }

  /** The newest runs that a person may see, of the repositories that ran last. One that GitHub says nothing of is left out. */
  async runs(person: Person, most: number): Promise<readonly string[]> {
    const { database } = this.#services;
    const repositories = await findActiveRepositories(database, MAX_REPOSITORIES);
    const grants = await Promise.all(
      repositories.map(async (repository) =>
        this.#ask(person, repository).catch((error: unknown) => {
          if (error instanceof ChooError) return { access: 'none' as const };
          throw error;
        }),
      ),
    );
    const seen = repositories.filter((_, at) => grants[at]?.access !== 'none');
    const ids = seen.map(({ id }) => id);
    return findNewestRuns(database, ids, most);
  }

  async #ask(person: Person, repository: StoredRepository, isAskedNow = false): Promise<Grant> {
    const { now } = this.#services;
    const key = `${person.id}/${repository.githubId}/${repository.installation}`;
    const known = isAskedNow ? undefined : await this.#grants.get(key);
    if (known !== undefined && known.until > now()) return known;
    const asking = this.#asking(async () => this.#askGitHub(person, repository));
    this.#grants.set(key, asking);
    try {
      return await asking;
    } catch (error) {
      if (this.#grants.peek(key) === asking) this.#grants.delete(key);
      throw new ChooError('environment', 'GitHub does not say what you may see at this moment', {
        hint: `try again soon: ${messageOf(error)}`,
        cause: error,
      });
    }
  }

  async #askGitHub({ id }: Person, { owner, name, installation }: StoredRepository): Promise<Grant> {
    const { github, now, grantMs = GRANT_MS } = this.#services;
    const until = now() + grantMs; // from before the question
    const octokit = github.clientOf(installation);
    const sender = await findSender(octokit, id);
    if (sender?.type !== 'User') return { access: 'none', until };
    return { access: await findLevel(octokit, { owner, name }, sender), until };
  }
}
