import { viewPull } from '../pulls/views.ts';
import { invalid, notFound } from '../refusal.ts';
import type { Review, ReviewComment } from '../reviews/state.ts';
import { sees, viewReview, viewReviewComment } from '../reviews/views.ts';
import {
  addReply,
  beginReview,
  beginThread,
  demandNoPending,
  diffStart,
  dismissReview,
  type Reviewing,
  stateAfter,
  submitReview,
  unprocessable,
} from '../reviews/writing.ts';
import {
  created,
  ok,
  optionalText,
  page,
  type Reply,
  repositoryRoute,
  type RepositoryCall,
  type Route,
} from '../router.ts';
import { viewUser } from '../views.ts';
import { fullName, levelOf, type Json, type User, userNamed } from '../world.ts';
import { pullOf } from './pulls.ts';

/** Whoever sees a pull request may review it. */
const NEEDS = { permission: 'pull_requests', people: 'read' } as const;

/** Reviews of pull requests, their comments, and who is asked for one. */
export const REVIEW_ROUTES: readonly Route[] = [
  repositoryRoute('GET /pulls/:number/reviews', NEEDS, (call) => {
    const [issue] = pullOf(call);
    const shown = call.repository.reviews.filter(
      (each) => each.issue === issue && sees(call.actor.user, each),
    );
    return page(call, shown, (review) => viewReview(call.world, call.repository, review));
  }),
  repositoryRoute('POST /pulls/:number/reviews', NEEDS, async (call) => {
    const on = reviewing(call);
    const body = optionalText(call.body, 'body') ?? '';
    const { event, comments = [] } = call.body;
    const state = event === undefined ? undefined : stateAfter(on, event, body);
    const review = beginReview(on, body);
    try {
      const from = await diffStart(on);
      for (const each of comments as readonly Json[]) await beginThread(on, review, each, from);
    } catch (error) {
      remove(call, review); // all of it or nothing
      throw error;
    }
    if (state !== undefined) await submitReview(on, review, state);
    return ok(viewReview(call.world, call.repository, review));
  }),
  repositoryRoute('GET /pulls/:number/reviews/:id', NEEDS, (call) =>
    ok(viewReview(call.world, call.repository, reviewOf(call))),
  ),
  repositoryRoute('DELETE /pulls/:number/reviews/:id', NEEDS, (call) => {
    const review = reviewOf(call);
    if (review.state !== 'PENDING') throw unprocessable('Can not delete a non-pending pull request review');
    remove(call, review);
    return ok(viewReview(call.world, call.repository, review));
  }),
  repositoryRoute('POST /pulls/:number/reviews/:id/events', NEEDS, async (call) => {
    const review = reviewOf(call);
    const on = reviewing(call);
    if (review.state !== 'PENDING') throw unprocessable('Could not submit a review that is not pending');
    const body = optionalText(call.body, 'body') ?? review.body;
    const state = stateAfter(on, call.body['event'], body);
    review.body = body;
    await submitReview(on, review, state);
    return ok(viewReview(call.world, call.repository, review));
  }),
  repositoryRoute(
    'PUT /pulls/:number/reviews/:id/dismissals',
    { permission: 'pull_requests' },
    async (call) => {
      const review = reviewOf(call);
      if ((optionalText(call.body, 'message') ?? '') === '')
        throw invalid({ resource: 'PullRequestReview', code: 'missing_field', field: 'message' });
      await dismissReview(reviewing(call), review);
      return ok(viewReview(call.world, call.repository, review));
    },
  ),
  repositoryRoute('GET /pulls/:number/reviews/:id/comments', NEEDS, async (call) => {
    const review = reviewOf(call);
    return comments(call, (comment) => comment.review === review);
  }),
  repositoryRoute('GET /pulls/:number/comments', NEEDS, async (call) => {
    const [issue] = pullOf(call);
    return comments(call, ({ thread, review }) => thread.issue === issue && review.state !== 'PENDING');
  }),
  repositoryRoute('POST /pulls/:number/comments', NEEDS, async (call) => {
    const on = reviewing(call);
    demandNoPending(call.repository, on.issue, call.actor.user);
    return single(call, async (review) => beginThread(on, review, call.body, await diffStart(on)));
  }),
  repositoryRoute('POST /pulls/:number/comments/:id/replies', NEEDS, async (call) => {
    const on = reviewing(call);
    const found = call.repository.reviewComments.find(({ id }) => id === Number(call.params['id']));
    if (found === undefined) throw notFound();
    demandNoPending(call.repository, on.issue, call.actor.user);
    const body = optionalText(call.body, 'body') ?? '';
    return single(call, async (review) => addReply(on, { thread: found.thread, review, body }));
  }),
  repositoryRoute('GET /pulls/:number/requested_reviewers', NEEDS, (call) => {
    const [, { requested }] = pullOf(call);
    return ok({ users: requested.map((user) => viewUser(call.world, user)), teams: [] });
  }),
  repositoryRoute(
    'POST /pulls/:number/requested_reviewers',
    { permission: 'pull_requests' },
    async (call) => {
      const { world, repository, actor, body } = call;
      const [issue, pull] = pullOf(call);
      const users = ((body['reviewers'] ?? []) as readonly string[]).map((login) => userNamed(world, login));
      for (const user of users) demandReviewer(call, user);
      for (const user of users) {
        if (user === undefined || pull.requested.includes(user)) continue;
        pull.requested.push(user);
        const payload = {
          number: issue.number,
          pull_request: await viewPull(world, repository, issue, pull),
          requested_reviewer: viewUser(world, user),
        };
        world.raise({
          event: 'pull_request',
          action: 'review_requested',
          sender: actor.user,
          repository,
          payload,
        });
      }
      return created(await viewPull(world, repository, issue, pull));
    },
  ),
];

function reviewing(call: RepositoryCall): Reviewing {
  const { world, repository, actor } = call;
  const [issue, pull] = pullOf(call);
  return { world, repository, actor, issue, pull };
}

function reviewOf(call: RepositoryCall): Review {
  const [issue] = pullOf(call);
  const found = call.repository.reviews.find(
    (each) => each.issue === issue && each.id === Number(call.params['id']) && sees(call.actor.user, each),
  );
  if (found === undefined) throw notFound();
  return found;
}

/** A comment by itself is a review of its own. */
async function single(
  call: RepositoryCall,
  write: (review: Review) => Promise<ReviewComment>,
): Promise<Reply> {
  const review = beginReview(reviewing(call), '');
  try {
    const comment = await write(review);
    await submitReview(reviewing(call), review, 'COMMENTED');
    return created(await viewReviewComment(call.world, call.repository, comment));
  } catch (error) {
    if (review.state === 'PENDING') remove(call, review);
    throw error;
  }
}

async function comments(call: RepositoryCall, matches: (comment: ReviewComment) => boolean): Promise<Reply> {
  const { world, repository } = call;
  const found = await Promise.all(
    repository.reviewComments
      .filter(matches)
      .map(async (comment) => viewReviewComment(world, repository, comment)),
  );
  return page(call, found, (comment) => comment);
}

/** Takes a pending review back, with its comments and the threads that begin with them. */
function remove({ repository }: RepositoryCall, review: Review): void {
  const { reviews, reviewComments, threads } = repository;
  for (const comment of reviewComments.filter((each) => each.review === review))
    reviewComments.splice(reviewComments.indexOf(comment), 1);
  for (const thread of threads.filter((each) => !reviewComments.some((comment) => comment.thread === each)))
    threads.splice(threads.indexOf(thread), 1);
  reviews.splice(reviews.indexOf(review), 1);
}

function demandReviewer(call: RepositoryCall, user: User | undefined): void {
  const { repository } = call;
  const [issue] = pullOf(call);
  if (user === issue.user) throw unprocessable('Review cannot be requested from pull request author.');
  const isThere =
    user !== undefined &&
    (user === repository.owner || repository.collaborators.has(user.login.toLowerCase())) &&
    levelOf(repository, user) !== 'none';
  if (!isThere)
    throw unprocessable(
      `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${fullName(repository)} repository.`,
    );
}
