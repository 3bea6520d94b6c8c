import { viewPull } from '../pulls/views.ts';
import type { RepositoryCall } from '../router.ts';
import { viewIssue } from '../views.ts';
import type { Issue, Json } from '../world.ts';

/** Raises an event of an issue or, as GitHub does, the pull request's own event. */
export async function raiseIssue(
  { world, repository, actor }: Pick<RepositoryCall, 'world' | 'repository' | 'actor'>,
  issue: Issue,
  action: string,
  extra: Json = {},
): Promise<void> {
  const subject: Json =
    issue.pull === undefined
      ? { issue: viewIssue(world, repository, issue) }
      : { number: issue.number, pull_request: await viewPull(world, repository, issue, issue.pull) };
  world.raise({
    event: issue.pull === undefined ? 'issues' : 'pull_request',
    action,
    sender: actor.user,
    repository,
    payload: { ...subject, ...extra },
  });
}
