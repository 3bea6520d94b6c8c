import { commitOf, git, refsOf } from '../git.ts';
import { moveBases } from '../pulls/follow.ts';
import { followPush } from '../pushes.ts';
import { Refusal } from '../refusal.ts';
import { grants } from '../permissions.ts';
import { created, repositoryRoute, text, type Reply, type RepositoryCall, type Route } from '../router.ts';
import { levelOf } from '../world.ts';
import { viewBranch } from './refs.ts';

/** Renaming a branch: open pull requests on it get the new base, those from it are closed. */
export const BRANCH_NAME_ROUTES: readonly Route[] = [
  repositoryRoute('POST /branches/:branch*/rename', { permission: 'contents' }, (call) =>
    call.repository.alone(() => rename(call)),
  ),
];

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
