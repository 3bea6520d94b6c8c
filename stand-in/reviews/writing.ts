import { mergeBase, viewPull } from '../pulls/views.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { Actor, Issue, Json, Pull, Repository, User, World } from '../world.ts';
import { nodeId, now } from '../world.ts';
import { hunkAt, isInDiff } from './lines.ts';
import type { Review, ReviewComment, ReviewState, ReviewThread } from './state.ts';
import { commentsOf, viewReview, viewReviewComment } from './views.ts';

/** Where something is reviewed, and by whom. */
export interface Reviewing {
  readonly world: World;
  readonly repository: Repository;
  readonly actor: Actor;
  readonly issue: Issue;
  readonly pull: Pull;
}

const STATES: Readonly<Record<string, ReviewState>> = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
};

/** A pending review. Throws a Refusal for a second one of the same user. */
export function beginReview({ world, repository, actor, issue, pull }: Reviewing, body: string): Review {
  demandNoPending(repository, issue, actor.user);
  const id = world.nextId();
  const review: Review = {
    id,
    nodeId: nodeId('PRR', id),
    issue,
    user: actor.user,
    commit: pull.head.sha,
    state: 'PENDING',
    body,
    submittedAt: null,
  };
  repository.reviews.push(review);
  return review;
}

/** GitHub allows one pending review a user and pull request, and no other review or reply beside it. */
export function demandNoPending({ reviews }: Repository, issue: Issue, user: User): void {
  if (reviews.some((each) => each.issue === issue && each.user === user && each.state === 'PENDING'))
    throw unprocessable('User can only have one pending review per pull request');
}

export function unprocessable(message: string): Refusal {
  return new Refusal(422, 'Unprocessable Entity', { errors: [message] });
}

/** The state that an event stands for. Throws a Refusal for an unknown one, a missing body, and judging one's own work. */
export function stateAfter({ actor, issue }: Reviewing, event: unknown, body: string): ReviewState {
  const state = STATES[String(event)];
  if (state === undefined)
    throw unprocessable(`Variable $event of type PullRequestReviewEvent was provided invalid value`);
  if (event !== 'APPROVE' && body.trim() === '') throw unprocessable(`Body can't be blank`);
  if (actor.user === issue.user && event !== 'COMMENT')
    throw unprocessable(
      event === 'APPROVE'
        ? 'Can not approve your own pull request'
        : 'Can not request changes on your own pull request',
    );
  return state;
}

/** The commit that the diff of a pull request begins at. */
export async function diffStart({ repository, pull }: Reviewing): Promise<string> {
  return (await mergeBase(repository.bare, pull)) ?? pull.base.sha;
}

/** Begins a thread on a line or a file, with its first comment. Throws a Refusal where the diff does not show it. */
export async function beginThread(
  on: Reviewing,
  review: Review,
  given: Json,
  from: string,
): Promise<ReviewComment> {
  const { world, repository, issue, pull } = on;
  const path = String(given['path']);
  const line = typeof given['line'] === 'number' ? given['line'] : null;
  const diff = { from, to: pull.head.sha, path };
  const isWhole = given['subject_type'] === 'file';
  const hunk = line === null ? '' : await hunkAt(repository.bare, diff, line);
  if (!(await isInDiff(repository.bare, diff))) throw unprocessable('Path could not be resolved');
  if (hunk === undefined || (line === null && !isWhole)) throw unprocessable('Line could not be resolved');
  const id = world.nextId();
  const thread: ReviewThread = {
    id,
    nodeId: nodeId('PRRT', id),
    issue,
    path,
    originalLine: line,
    commit: pull.head.sha,
    hunk,
    resolvedBy: null,
  };
  repository.threads.push(thread);
  return addReply(on, { thread, review, body: textOf(given['body']) });
}

/** Adds a comment to a thread. Nobody hears of it before its review is submitted. */
export function addReply(
  { world, repository, actor }: Reviewing,
  { thread, review, body }: Pick<ReviewComment, 'thread' | 'review' | 'body'>,
): ReviewComment {
  if (body === '')
    throw invalid({ resource: 'PullRequestReviewComment', code: 'missing_field', field: 'body' });
  const id = world.nextId();
  const more = { nodeId: nodeId('PRRC', id), user: actor.user, createdAt: now() };
  const comment: ReviewComment = { id, thread, review, body, ...more };
  repository.reviewComments.push(comment);
  return comment;
}

/** Submits a pending review: its author need not be asked any more, and the events are raised. */
export async function submitReview(on: Reviewing, review: Review, state: ReviewState): Promise<void> {
  const { world, repository, actor, issue, pull } = on;
  review.state = state;
  review.submittedAt = now();
  issue.updatedAt = now();
  const { requested } = pull;
  if (requested.includes(actor.user)) requested.splice(requested.indexOf(actor.user), 1);
  const shown = viewReview(world, repository, review);
  const pullRequest = await viewPull(world, repository, issue, pull);
  raise(on, pullRequest, 'pull_request_review', 'submitted', {
    review: { ...shown, state: state.toLowerCase() },
  });
  for (const comment of repository.reviewComments.filter((each) => each.review === review))
    raise(on, pullRequest, 'pull_request_review_comment', 'created', {
      comment: await viewReviewComment(world, repository, comment),
    });
}

/** Takes a verdict back. Throws a Refusal for a review that is none. */
export async function dismissReview(on: Reviewing, review: Review): Promise<void> {
  if (review.state !== 'APPROVED' && review.state !== 'CHANGES_REQUESTED')
    throw unprocessable('Can not dismiss a review that is neither an approval nor a request for changes');
  review.state = 'DISMISSED';
  const pullRequest = await viewPull(on.world, on.repository, on.issue, on.pull);
  const shown = viewReview(on.world, on.repository, review);
  raise(on, pullRequest, 'pull_request_review', 'dismissed', { review: { ...shown, state: 'dismissed' } });
}

/** Resolves a thread, or opens it again. */
export async function setResolved(on: Reviewing, thread: ReviewThread, resolved: boolean): Promise<void> {
  if ((thread.resolvedBy !== null) === resolved) return;
  thread.resolvedBy = resolved ? on.actor.user : null;
  const comments = await Promise.all(
    commentsOf(on.repository, thread).map(async (each) => viewReviewComment(on.world, on.repository, each)),
  );
  const pullRequest = await viewPull(on.world, on.repository, on.issue, on.pull);
  raise(on, pullRequest, 'pull_request_review_thread', resolved ? 'resolved' : 'unresolved', {
    thread: { node_id: thread.nodeId, comments },
  });
}

function raise(
  { world, repository, actor }: Reviewing,
  pullRequest: Json,
  event: string,
  action: string,
  payload: Json,
): void {
  const { user: sender } = actor;
  world.raise({ event, action, sender, repository, payload: { ...payload, pull_request: pullRequest } });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
