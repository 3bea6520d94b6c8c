import { associationOf, viewUser } from '../views.ts';
import { fullName, type Json, type Repository, type User, type World } from '../world.ts';
import { followLine } from './lines.ts';
import type { Review, ReviewComment, ReviewThread } from './state.ts';

/** A review as the REST API shows it. Events write its state in small letters. */
export function viewReview(world: World, repository: Repository, review: Review): Json {
  const { id, nodeId, issue, user, commit, state, body, submittedAt } = review;
  const html = `${world.origin}/${fullName(repository)}/pull/${issue.number}`;
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}/pulls/${issue.number}`;
  return {
    id,
    node_id: nodeId,
    user: viewUser(world, user),
    body,
    state,
    html_url: `${html}#pullrequestreview-${id}`,
    pull_request_url: api,
    author_association: associationOf(repository, user),
    _links: { html: { href: `${html}#pullrequestreview-${id}` }, pull_request: { href: api } },
    ...(submittedAt !== null && { submitted_at: submittedAt }),
    commit_id: commit,
  };
}

/** A comment of a review as the REST API shows it. */
export async function viewReviewComment(
  world: World,
  repository: Repository,
  comment: ReviewComment,
): Promise<Json> {
  const { id, nodeId, thread, review, user, body, createdAt } = comment;
  const { issue, path, originalLine, commit, hunk } = thread;
  const html = `${world.origin}/${fullName(repository)}/pull/${issue.number}#discussion_r${id}`;
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}/pulls`;
  const [first] = commentsOf(repository, thread);
  const line = await presentLine(repository, thread);
  return {
    id,
    node_id: nodeId,
    url: `${api}/comments/${id}`,
    html_url: html,
    pull_request_url: `${api}/${issue.number}`,
    pull_request_review_id: review.id,
    path,
    diff_hunk: hunk,
    commit_id: issue.pull?.head.sha,
    original_commit_id: commit,
    user: viewUser(world, user),
    body,
    created_at: createdAt,
    updated_at: createdAt,
    author_association: associationOf(repository, user),
    line,
    original_line: originalLine,
    side: 'RIGHT',
    subject_type: originalLine === null ? 'file' : 'line',
    ...(first !== undefined && first !== comment && { in_reply_to_id: first.id }),
  };
}

/** The comments of a thread, oldest first. */
export function commentsOf({ reviewComments }: Repository, thread: ReviewThread): readonly ReviewComment[] {
  return reviewComments.filter((comment) => comment.thread === thread);
}

/** Whether somebody sees a review, and its comments. */
export function sees(user: User, { state, user: author }: Review): boolean {
  return state !== 'PENDING' || author === user;
}

/** Its line at the present head; null when it is on the file, or outdated. */
export async function presentLine(repository: Repository, thread: ReviewThread): Promise<number | null> {
  const { path, originalLine, commit, issue } = thread;
  const to = issue.pull?.head.sha ?? commit;
  if (originalLine === null) return null;
  return (await followLine(repository.bare, { from: commit, to, path }, originalLine)) ?? null;
}
