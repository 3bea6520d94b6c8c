import { commitOf, git, refsOf } from '../git.ts';
import { finish } from '../pull-follow.ts';
import { mergedTree } from '../pull-views.ts';
import { followPush } from '../pushes.ts';
import { Refusal } from '../refusal.ts';
import { ok, optionalText, repositoryRoute, type Reply, type RepositoryCall, type Route } from '../router.ts';
import type { Issue, Pull } from '../world.ts';
import { pullOf } from './pulls.ts';

/** Merges, each with a real commit on the real base. */
export const MERGE_ROUTES: readonly Route[] = [
  repositoryRoute('GET /pulls/:number/merge', { permission: 'pull_requests' }, (call) => {
    const [, pull] = pullOf(call);
    if (pull.mergedAt === null) throw new Refusal(404, 'Not Found');
    return { status: 204 };
  }),
  repositoryRoute('PUT /pulls/:number/merge', { permission: 'contents' }, (call) =>
    call.repository.alone(() => merge(call)),
  ),
];

async function merge(call: RepositoryCall): Promise<Reply> {
  const { world, repository, actor, body } = call;
  const { bare } = repository;
  const [issue, pull] = pullOf(call);
  if (pull.draft) throw new Refusal(405, 'Pull Request is still a draft');
  const before = await refsOf(bare);
  const base = await commitOf(bare, `refs/heads/${pull.base.ref}`);
  const tree = base === undefined ? undefined : await mergedTree(bare, base, pull.head.sha);
  if (issue.state !== 'open' || base === undefined || tree === undefined)
    throw new Refusal(405, 'Pull Request is not mergeable');
  const expected = optionalText(body, 'sha');
  if (expected !== undefined && expected !== pull.head.sha)
    throw new Refusal(409, 'Head branch was modified. Review and try the merge again.');
  const sha = await commit(call, issue, pull, { base, tree });
  await git(bare, ['update-ref', `refs/heads/${pull.base.ref}`, sha, base]);
  const push = { world, repository, sender: actor.user, before, after: await refsOf(bare) };
  // Closed first, so that the push does not close it.
  await finish(push, { repository, issue, pull }, sha);
  await followPush(push);
  return ok({ sha, merged: true, message: 'Pull Request successfully merged' });
}

async function commit(
  { repository, actor, body }: RepositoryCall,
  { number, title }: Issue,
  { head }: Pull,
  { base, tree }: { readonly base: string; readonly tree: string },
): Promise<string> {
  const method = optionalText(body, 'merge_method') ?? 'merge';
  if (method === 'rebase') throw new Refusal(405, 'Rebase merges are not allowed on this repository.');
  const squash = method === 'squash';
  const from = `${head.repository.owner.login}/${head.ref}`;
  const subject =
    optionalText(body, 'commit_title') ??
    (squash ? `${title} (#${number})` : `Merge pull request #${number} from ${from}`);
  const message = optionalText(body, 'commit_message') ?? (squash ? '' : title);
  const { login } = actor.user;
  const parents = squash ? [base] : [base, head.sha];
  return git(
    repository.bare,
    [
      '-c',
      `user.name=${login}`,
      '-c',
      `user.email=${login}@users.noreply.localhost`,
      'commit-tree',
      tree,
      ...parents.flatMap((parent) => ['-p', parent]),
    ],
    `${subject}\n\n${message}`.trimEnd(),
  );
}
