import { notFound } from '../refusal.ts';
import {
  created,
  demandRight,
  issueOf,
  ok,
  page,
  repositoryRoute,
  text,
  type RepositoryCall,
  type Route,
} from '../router.ts';
import { viewComment, viewIssue } from '../views.ts';
import { now, type Comment, type Json } from '../world.ts';
import { demandShort } from './issues.ts';

const NEEDS = { permission: 'issues|pull_requests', people: 'read' } as const;

/** Comments on issues and pull requests. */
export const COMMENT_ROUTES: readonly Route[] = [
  repositoryRoute('GET /issues/:number/comments', NEEDS, (call) => {
    const issue = issueOf(call);
    const { since } = call.query;
    const comments = call.repository.comments
      .filter((comment) => comment.issue === issue)
      .filter((comment) => since === undefined || comment.updatedAt >= since);
    return page(call, comments, (comment) => viewComment(call.world, call.repository, comment));
  }),
  repositoryRoute('POST /issues/:number/comments', NEEDS, (call) => {
    const { world, repository, actor } = call;
    const body = text(call.body, 'body', 'IssueComment');
    demandShort(body, 'IssueComment');
    const at = now();
    const comment: Comment = {
      id: world.nextId(),
      issue: issueOf(call),
      user: actor.user,
      viaApp: actor.kind === 'installation',
      createdAt: at,
      updatedAt: at,
      body,
    };
    repository.comments.push(comment);
    raise(call, comment, 'created');
    return created(viewComment(world, repository, comment));
  }),
  repositoryRoute('GET /issues/comments', NEEDS, (call) =>
    page(call, call.repository.comments, (comment) => viewComment(call.world, call.repository, comment)),
  ),
  repositoryRoute('GET /issues/comments/:id', NEEDS, (call) =>
    ok(viewComment(call.world, call.repository, commentOf(call))),
  ),
  repositoryRoute('PATCH /issues/comments/:id', NEEDS, (call) => {
    const comment = commentOf(call);
    demandRight(call, comment.user);
    const body = text(call.body, 'body', 'IssueComment');
    demandShort(body, 'IssueComment');
    const from = comment.body;
    comment.body = body;
    comment.updatedAt = now();
    if (from !== body) raise(call, comment, 'edited', { changes: { body: { from } } });
    return ok(viewComment(call.world, call.repository, comment));
  }),
  repositoryRoute('DELETE /issues/comments/:id', NEEDS, (call) => {
    const comment = commentOf(call);
    demandRight(call, comment.user);
    const { comments } = call.repository;
    comments.splice(comments.indexOf(comment), 1);
    raise(call, comment, 'deleted');
    return { status: 204 };
  }),
];

/** The comment that a path names. */
export function commentOf({ repository, params }: RepositoryCall): Comment {
  const found = repository.comments.find((comment) => comment.id === Number(params['id']));
  if (found === undefined) throw notFound();
  return found;
}

function raise(
  { world, repository, actor }: RepositoryCall,
  comment: Comment,
  action: string,
  extra: Json = {},
): void {
  world.raise({
    event: 'issue_comment',
    action,
    sender: actor.user,
    repository,
    payload: {
      issue: viewIssue(world, repository, comment.issue),
      comment: viewComment(world, repository, comment),
      ...extra,
    },
  });
}
