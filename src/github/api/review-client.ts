import type { Octokit } from '@octokit/rest';
import { statusOf } from './client.ts';
import type { PRClientOptions } from './pr-client.ts';
import { type Posts, upsert } from './upsert.ts';

/** A comment in a thread of a review. */
export interface ThreadComment {
  /** Undefined: the account is gone. */
  readonly author: ThreadAuthor | undefined;
  readonly body: string;
  /** Written by choo. */
  readonly isOwn: boolean;
}

interface ThreadAuthor {
  /** GitHub's number of the account. */
  readonly id: number;
  /** As GitHub's GraphQL writes it: without `[bot]`. */
  readonly login: string;
  readonly type: 'User' | 'Bot';
}

/** A conversation on a pull request's diff. */
export interface ReadThread {
  /** GraphQL's id. */
  readonly id: string;
  readonly path: string;
  readonly isResolved: boolean;
  /** Null: on the whole file, or on a line that has changed since. */
  readonly line: number | null;
  readonly hunk: string | null;
  /** Oldest first; of a long thread the last ones. */
  readonly comments: readonly ThreadComment[];
}

/** A review that choo submits. */
export interface OwnReview {
  /** Ends in the marker. */
  readonly body: string;
  readonly marker: string;
  readonly replies: readonly { readonly thread: string; readonly body: string }[];
}

/** A check run of another App that is red. */
export interface OthersCheck {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly annotations: readonly { readonly path: string; readonly line: number; readonly message: string }[];
}

/** Pages of threads that are read: 100 each. */
const MAX_PAGES = 10;
/** Red checks of which annotations are read. */
const MAX_CHECKS = 20;

const THREADS = `query ($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        nodes {
          id path line isResolved
          comments(last: 20) {
            nodes { body diffHunk state viewerDidAuthor author { __typename login ... on User { databaseId } ... on Bot { databaseId } } }
          }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}`;

interface ThreadPage {
  readonly nodes: readonly {
    readonly id: string;
    readonly path: string;
    readonly line: number | null;
    readonly isResolved: boolean;
    readonly comments: {
      readonly nodes: readonly {
        readonly body: string;
        readonly diffHunk: string;
        readonly state: 'PENDING' | 'SUBMITTED';
        readonly viewerDidAuthor: boolean;
        readonly author: {
          readonly __typename: string;
          readonly login: string;
          readonly databaseId?: number;
        } | null;
      }[];
    };
  }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const REPLY = `mutation ($review: ID!, $thread: ID!, $body: String!) {
  addPullRequestReviewThreadReply(
    input: { pullRequestReviewId: $review, pullRequestReviewThreadId: $thread, body: $body }
  ) { comment { id } }
}`;

const RESOLVE = `mutation ($thread: ID!) { resolveReviewThread(input: { threadId: $thread }) { thread { id } } }`;

/** Reads and answers the reviews of a repository's pull requests. */
export class ReviewClient {
  readonly #octokit: Octokit;
  readonly #place: { readonly owner: string; readonly repo: string };
  readonly #appId: number;
  readonly #posts: Posts;

  constructor({ octokit, owner, name, appId, posts }: PRClientOptions) {
    this.#octokit = octokit;
    this.#place = { owner, repo: name };
    this.#appId = appId;
    this.#posts = posts;
  }

  /** The threads of a pull request, oldest first. Only GraphQL knows which are resolved. */
  async listThreads(number: number): Promise<readonly ReadThread[]> {
    const { owner, repo: name } = this.#place;
    const threads: ReadThread[] = [];
    let after: string | null = null;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const answer: { repository: { pullRequest: { reviewThreads: ThreadPage } } } =
        await this.#octokit.graphql(THREADS, { owner, name, number, after });
      const { nodes, pageInfo } = answer.repository.pullRequest.reviewThreads;
      for (const { id, path, line, isResolved, comments } of nodes) {
        const shown = comments.nodes.filter(({ state }) => state === 'SUBMITTED');
        if (shown.length === 0) continue;
        const hunk = shown[0]?.diffHunk ?? '';
        threads.push({
          id,
          path,
          line,
          isResolved,
          hunk: hunk === '' ? null : hunk,
          comments: shown.map(({ body, author, viewerDidAuthor: isOwn }) => ({
            body,
            isOwn,
            author: readAuthor(author),
          })),
        });
      }
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    return threads;
  }

  /**
   * Submits a review of choo's own, once for each key: with all its replies, so that people are notified once. What an earlier
   * attempt left pending is thrown away, because GitHub allows one pending review only, and nobody has seen it.
   */
  async submit(key: string, number: number, { body, marker, replies }: OwnReview): Promise<void> {
    const at = { ...this.#place, pull_number: number };
    await upsert(
      this.#posts,
      { key, content: marker },
      {
        find: async () => this.#find(number, marker),
        update: async (id) => Promise.resolve({ id }),
        create: async () => {
          await this.#discardPending(number);
          const { data: review } = await this.#octokit.rest.pulls.createReview({ ...at, body });
          for (const { thread, body: text } of replies)
            await unlessGone(async () =>
              this.#octokit.graphql(REPLY, { review: review.node_id, thread, body: text }),
            );
          await this.#octokit.rest.pulls.submitReview({ ...at, review_id: review.id, event: 'COMMENT' });
          return { id: review.id };
        },
      },
    );
  }

  async #find(number: number, marker: string): Promise<number | null> {
    const reviews = await this.#reviews(number);
    // The marker is of a random id that is told nowhere else.
    const own = reviews.find(
      ({ state, user, body }) =>
        state !== 'PENDING' && user?.type === 'Bot' && body.trimEnd().endsWith(marker),
    );
    return own?.id ?? null;
  }

  /** Pending reviews are shown to their author only. */
  async #discardPending(number: number): Promise<void> {
    for (const { id, state } of await this.#reviews(number)) {
      if (state !== 'PENDING') continue;
      await this.#octokit.rest.pulls.deletePendingReview({
        ...this.#place,
        pull_number: number,
        review_id: id,
      });
    }
  }

  async #reviews(number: number) {
    return this.#octokit.paginate(this.#octokit.rest.pulls.listReviews, {
      ...this.#place,
      pull_number: number,
      per_page: 100,
    });
  }

  /** Resolves a thread; one that is gone needs it no more. */
  async resolve(thread: string): Promise<void> {
    await unlessGone(async () => this.#octokit.graphql(RESOLVE, { thread }));
  }

  /** Asks somebody for a review, unless GitHub says that they cannot give one. */
  async requestReview(number: number, login: string): Promise<void> {
    try {
      await this.#octokit.rest.pulls.requestReviewers({
        ...this.#place,
        pull_number: number,
        reviewers: [login],
      });
    } catch (error) {
      if (statusOf(error) !== 422) throw error;
    }
  }

  /** What the submitted reviews said that request changes, oldest first. */
  async listRequests(number: number): Promise<readonly ThreadComment[]> {
    const reviews = await this.#reviews(number);
    return reviews.flatMap(({ state, body, user }) => {
      if (state !== 'CHANGES_REQUESTED' || body.trim() === '' || user == null) return [];
      const { id, login } = user;
      return [{ body, isOwn: false, author: { id, login, type: user.type === 'User' ? 'User' : 'Bot' } }];
    });
  }

  /** The newest checks of other Apps on a commit that are red. */
  async listRedChecks(sha: string): Promise<readonly OthersCheck[]> {
    const runs = await this.#octokit.paginate(this.#octokit.rest.checks.listForRef, {
      ...this.#place,
      ref: sha,
      status: 'completed',
      filter: 'latest',
      per_page: 100,
    });
    const red = runs.filter(
      ({ app, conclusion }) =>
        app?.id !== this.#appId && (conclusion === 'failure' || conclusion === 'timed_out'),
    );
    return Promise.all(
      red.slice(0, MAX_CHECKS).map(async ({ id, name, output }) => ({
        name,
        title: output.title ?? '',
        summary: [output.summary, output.text].filter((text) => text != null).join('\n\n'),
        annotations: await this.#annotationsOf(id),
      })),
    );
  }

  async #annotationsOf(check: number): Promise<OthersCheck['annotations']> {
    const { data } = await this.#octokit.rest.checks.listAnnotations({
      ...this.#place,
      check_run_id: check,
      per_page: 50,
    });
    return data.map(({ path, start_line, message }) => ({
      path,
      line: start_line,
      message: message ?? '',
    }));
  }
}

function readAuthor(
  author: ThreadPage['nodes'][number]['comments']['nodes'][number]['author'],
): ThreadAuthor | undefined {
  if (author?.databaseId === undefined) return undefined;
  const { login, databaseId: id, __typename } = author;
  return { id, login, type: __typename === 'User' ? 'User' : 'Bot' };
}

/** Does something to a thread. One that does not exist any more is passed by; GraphQL's errors have no status. */
async function unlessGone(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const types = (error as { errors?: readonly { type?: string }[] }).errors ?? [];
    if (!types.some(({ type }) => type === 'NOT_FOUND')) throw error;
  }
}
