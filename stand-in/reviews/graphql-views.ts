import { connect } from '../graphql-document.ts';
import { nodeId, type Issue, type Json, type Pull, type Repository, type User } from '../world.ts';
import type { Review, ReviewComment, ReviewThread } from './state.ts';
import { commentsOf, presentLine, sees } from './views.ts';

/** A repository as GraphQL shows it: enough to find the threads of a pull request. */
export function queryRepository(repository: Repository, viewer: User): Json {
  return {
    __typename: 'Repository',
    id: nodeId('R', repository.id),
    name: repository.name,
    pullRequest: ({ number }: Json) => {
      const issue = repository.issues.find((each) => each.number === number);
      if (issue?.pull === undefined)
        throw new Error(`Could not resolve to a PullRequest with the number of ${String(number)}.`);
      return queryPull(repository, issue, issue.pull, viewer);
    },
  };
}

/** A pull request as GraphQL shows it. */
export function queryPull(repository: Repository, issue: Issue, pull: Pull, viewer: User): Json {
  return {
    __typename: 'PullRequest',
    id: pull.nodeId,
    number: issue.number,
    isDraft: pull.draft,
    state: pull.mergedAt !== null ? 'MERGED' : issue.state.toUpperCase(),
    headRefOid: pull.head.sha,
    reviewThreads: async (given: Json) => {
      const shown = repository.threads.filter(
        (thread) => thread.issue === issue && visible(repository, thread, viewer).length > 0,
      );
      return connect(
        await Promise.all(shown.map(async (each) => queryThread(repository, each, viewer))),
        given,
      );
    },
  };
}

export async function queryThread(repository: Repository, thread: ReviewThread, viewer: User): Promise<Json> {
  const { nodeId: id, path, originalLine, resolvedBy } = thread;
  const line = await presentLine(repository, thread);
  return {
    __typename: 'PullRequestReviewThread',
    id,
    path,
    line,
    originalLine,
    startLine: null,
    diffSide: 'RIGHT',
    subjectType: originalLine === null ? 'FILE' : 'LINE',
    isResolved: resolvedBy !== null,
    isOutdated: originalLine !== null && line === null,
    resolvedBy: resolvedBy && queryActor(resolvedBy),
    comments: (given: Json) =>
      connect(
        visible(repository, thread, viewer).map((each) => queryComment(each, viewer)),
        given,
      ),
  };
}

export function queryComment(
  { id, nodeId, body, createdAt, user, review, thread }: ReviewComment,
  viewer: User,
): Json {
  return {
    __typename: 'PullRequestReviewComment',
    id: nodeId,
    databaseId: id,
    fullDatabaseId: `${id}`,
    body,
    createdAt,
    diffHunk: thread.hunk,
    path: thread.path,
    state: review.state === 'PENDING' ? 'PENDING' : 'SUBMITTED',
    author: queryActor(user),
    viewerDidAuthor: user === viewer,
    pullRequestReview: queryReview(review),
  };
}

export function queryReview({ id, nodeId, state, body, user }: Review): Json {
  return {
    __typename: 'PullRequestReview',
    id: nodeId,
    databaseId: id,
    fullDatabaseId: `${id}`,
    state,
    body,
    author: queryActor(user),
  };
}

/** GraphQL writes the login of an App's account without `[bot]`. */
function queryActor({ login, type, id }: User): Json {
  return { __typename: type, login: login.replace('[bot]', ''), databaseId: id, id: nodeId('U', id) };
}

function visible(repository: Repository, thread: ReviewThread, viewer: User): readonly ReviewComment[] {
  return commentsOf(repository, thread).filter(({ review }) => sees(viewer, review));
}
