import { commitOf, git, refsOf } from '../git.ts';
import { grants } from '../permissions.ts';
import { moveBases } from '../pulls/follow.ts';
import { commitTree, rebased } from '../pulls/methods.ts';
import { mergedTree } from '../pulls/views.ts';
import { followPush } from '../pushes.ts';
import { Refusal } from '../refusal.ts';
import {
  created,
  optionalText,
  repositoryRoute,
  text,
  type Reply,
  type RepositoryCall,
  type Route,
} from '../router.ts';
import { demandRules } from '../rules.ts';
import { fullName, levelOf, mayWrite } from '../world.ts';
import { pullOf } from './pulls.ts';
import { viewBranch } from './refs.ts';

/** What GitHub itself does with a branch: *Update branch*, for the person who presses it, and another name. */
export const BRANCH_ROUTES: readonly Route[] = [
  repositoryRoute('PUT /pulls/:number/update-branch', { permission: 'pull_requests' }, (call) =>
    call.repository.alone(() => update(call)),
  ),
  repositoryRoute('POST /branches/:branch*/rename', { permission: 'contents' }, (call) =>
    call.repository.alone(() => rename(call)),
  ),
];

async function update(call: RepositoryCall): Promise<Reply> {
  const { world, repository, actor, body } = call;
  const [issue, pull] = pullOf(call);
  const { head } = pull;
  const expected = optionalText(body, 'expected_head_sha');
  if (expected !== undefined && expected !== head.sha)
    throw new Refusal(422, "expected_head_sha didn't match current head ref.");
  const base = await commitOf(repository.bare, `refs/heads/${pull.base.ref}`);
  const mayPush = actor.kind === 'installation' || mayWrite(head.repository, actor.user);
  if (issue.state !== 'open' || base === undefined || !mayPush)
    throw new Refusal(422, 'Pull request branch cannot be updated.');
  if ((await git(repository.bare, ['rev-list', '--count', base, `^${head.sha}`])) === '0')
    throw new Refusal(422, 'There are no new commits on the base branch.');
  const tip = await makeTip(call, base);
  if (tip === undefined) throw new Refusal(422, 'merge conflict between base and head');
  const { bare } = head.repository;
  const before = await refsOf(bare);
  if (head.repository !== repository) await git(bare, ['fetch', '-q', repository.bare, tip]);
  await demandRules(head.repository, `refs/heads/${head.ref}`, { before: head.sha, after: tip });
  await git(bare, ['update-ref', `refs/heads/${head.ref}`, tip, head.sha]);
  const after = await refsOf(bare);
  await followPush({ world, repository: head.repository, sender: actor.user, before, after });
  const url = `${world.origin}/${fullName(repository)}/pull/${issue.number}`;
  return { status: 202, body: { message: 'Updating pull request branch.', url } };
}

/** The new tip of the head: a merge commit or, on GitHub's pages only, a rebase. Undefined after a conflict. */
async function makeTip(call: RepositoryCall, base: string): Promise<string | undefined> {
  const { repository, actor, body, onPages = false } = call;
  const [, pull] = pullOf(call);
  const head = pull.head.sha;
  if (onPages && body['update_method'] === 'rebase')
    return rebased(repository.bare, { base, head, by: actor.user });
  const tree = await mergedTree(repository.bare, head, base);
  if (tree === undefined) return undefined;
  const message = `Merge branch '${pull.base.ref}' into ${pull.head.ref}`;
  return commitTree(repository.bare, { tree, parents: [head, base], message, author: actor.user });
}

/** Open pull requests on the branch get the new base, those from it are closed. */
async function rename(call: RepositoryCall): Promise<Reply> {
  const { world, repository, actor, params } = call;
  const { bare } = repository;
  const from = params['branch'] ?? '';
  const to = text(call.body, 'new_name', 'Branch');
  if (from === repository.defaultBranch) demandAdmin(call);
  const tip = await commitOf(bare, `refs/heads/${from}`);
  if (tip === undefined) throw new Refusal(404, 'Branch not found');
  const before = await refsOf(bare);
  if (before.has(`refs/heads/${to}`)) throw new Refusal(422, 'New branch already exists');
  await git(bare, ['branch', '-m', from, to]);
  const push = { world, repository, sender: actor.user, before, after: await refsOf(bare) };
  if (from === repository.defaultBranch) {
    repository.defaultBranch = to;
    const payload = { changes: { default_branch: { from } } };
    world.raise({ event: 'repository', action: 'edited', sender: actor.user, repository, payload });
  }
  // Before the push of the old name, which would close them.
  await moveBases(push, { from, to, tip });
  await followPush(push);
  return created(viewBranch(call, to, tip));
}

function demandAdmin({ actor, repository }: RepositoryCall): void {
  if (actor.kind === 'user' && levelOf(repository, actor.user) !== 'admin')
    throw new Refusal(403, 'Must have admin rights to Repository.');
  if (actor.kind === 'installation' && !grants(actor.permissions, 'administration', 'write'))
    throw new Refusal(403, 'Resource not accessible by integration');
}
