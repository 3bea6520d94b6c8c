import { commitOf, git, refsOf } from '../git.ts';
import { finish } from '../pulls/follow.ts';
import { demandMethod, makeMerge, type MergeMethod } from '../pulls/methods.ts';
import { mergedTree } from '../pulls/views.ts';
import { mergeStack } from '../pulls/stack-merge.ts';
import { stackOf } from '../pulls/stacks.ts';
import { followPush } from '../pushes.ts';
import { invalid, Refusal } from '../refusal.ts';
import { ok, optionalText, repositoryRoute, type Reply, type RepositoryCall, type Route } from '../router.ts';
import { demandRules, rulesFor } from '../rules.ts';
import type { Pull } from '../world.ts';
import { pullOf } from './pulls.ts';

/** Merges, each with real commits on the real base. */
export const MERGE_ROUTES: readonly Route[] = [
  repositoryRoute('GET /pulls/:number/merge', { permission: 'pull_requests' }, (call) => {
    const [, pull] = pullOf(call);
    if (pull.mergedAt === null) throw new Refusal(404, 'Not Found');
    return { status: 204 };
  }),
  repositoryRoute('PUT /pulls/:number/merge', { permission: 'contents' }, (call) =>
    call.repository.alone(() => merge(call)),
  ),
  repositoryRoute('PUT /pulls/:number/merge-async', { permission: 'contents' }, (call) =>
    call.repository.alone(() => mergeWithStack(call)),
  ),
];

// GitHub does this in the background, a step that takes no time here.
async function mergeWithStack(call: RepositoryCall): Promise<Reply> {
  const { world, repository, actor } = call;
  const [issue] = pullOf(call);
  const sha = await mergeStack({ world, repository, by: actor.user, method: methodIn(call) }, issue);
  return { status: 202, body: { status: 'merged', details: { message: 'Pull request was merged.', sha } } };
}

async function merge(call: RepositoryCall): Promise<Reply> {
  const { world, repository, actor, body } = call;
  const { bare } = repository;
  const [issue, pull] = pullOf(call);
  if (stackOf(repository, issue) !== undefined)
    throw new Refusal(405, 'Stacked pull requests must be merged using the asynchronous merge REST API.');
  if (pull.draft) throw new Refusal(405, 'Pull Request is still a draft');
  const method = methodIn(call);
  demandMethod(repository, method);
  const before = await refsOf(bare);
  const base = await commitOf(bare, `refs/heads/${pull.base.ref}`);
  const tree = base === undefined ? undefined : await mergedTree(bare, base, pull.head.sha);
  if (issue.state !== 'open' || base === undefined || tree === undefined)
    throw new Refusal(405, 'Pull Request is not mergeable');
  const expected = optionalText(body, 'sha');
  if (expected !== undefined && expected !== pull.head.sha)
    throw new Refusal(409, 'Head branch was modified. Review and try the merge again.');
  const texts = { title: optionalText(body, 'commit_title'), message: optionalText(body, 'commit_message') };
  const sha = await makeMerge({ repository, issue, pull, by: actor.user }, method, { base, tree, texts });
  const ref = `refs/heads/${pull.base.ref}`;
  await demandRules(repository, ref, { before: base, after: sha, status: 405 });
  await git(bare, ['update-ref', ref, sha, base]);
  const push = { world, repository, sender: actor.user, before, after: await refsOf(bare) };
  // Closed first, so that the push does not close it.
  await finish(push, { repository, issue, pull }, sha);
  await followPush(push);
  if (repository.settings.delete_branch_on_merge) await deleteHead(call, pull);
  return ok({ sha, merged: true, message: 'Pull Request successfully merged' });
}

/** GitHub's own deletion of a merged branch: usually it first changes the base of the pull requests on it. */
async function deleteHead({ world, repository, actor }: RepositoryCall, { head }: Pull): Promise<void> {
  if (head.repository !== repository || head.ref === repository.defaultBranch) return;
  if (rulesFor(repository, head.ref).some(({ type }) => type === 'deletion')) return;
  const before = await refsOf(repository.bare);
  await git(repository.bare, ['update-ref', '-d', `refs/heads/${head.ref}`]);
  const after = await refsOf(repository.bare);
  const onPages = !repository.deletionWins;
  await followPush({ world, repository, sender: actor.user, before, after, onPages });
}

function methodIn({ body }: RepositoryCall): MergeMethod {
  const method = optionalText(body, 'merge_method') ?? 'merge';
  if (method === 'merge' || method === 'squash' || method === 'rebase') return method;
  throw invalid({ resource: 'PullRequest', code: 'invalid', field: 'merge_method', value: method });
}
