import { notFound } from '../refusal.ts';
import { grants } from '../permissions.ts';
import { ok, page, repositoryRoute, route, type Route } from '../router.ts';
import { rulesFor } from '../rules.ts';
import { viewRepositoryFully, viewUser } from '../views.ts';
import { fullName, levelOf, userNamed, type Json, type User, type World } from '../world.ts';

const METADATA = { permission: 'metadata' };

/** Repositories, users, and their permissions. */
export const REPOSITORY_ROUTES: readonly Route[] = [
  repositoryRoute('GET ', METADATA, ({ world, repository, actor }) => {
    const level = actor.kind === 'user' ? levelOf(repository, actor.user) : 'write';
    const permissions = {
      admin: level === 'admin',
      maintain: level === 'admin',
      push: level === 'admin' || level === 'write',
      triage: level === 'admin' || level === 'write',
      pull: true,
    };
    // GitHub shows these only to those who may write to its contents.
    const mayPush =
      actor.kind === 'installation' ? grants(actor.permissions, 'contents', 'write') : permissions.push;
    return ok({
      ...viewRepositoryFully(world, repository),
      ...(mayPush && repository.settings),
      permissions,
    });
  }),
  repositoryRoute('GET /rules/branches/:branch*', METADATA, (call) => {
    const { repository, params } = call;
    const source = { ruleset_source_type: 'Repository', ruleset_source: fullName(repository) };
    return page(call, rulesFor(repository, params['branch'] ?? ''), ({ id, type }) => ({
      ...{ type, ruleset_id: id },
      ...source,
    }));
  }),
  repositoryRoute('GET /collaborators/:login/permission', METADATA, ({ world, repository, params }) => {
    const user = userNamed(world, params['login'] ?? '');
    if (user === undefined) throw notFound();
    const permission = levelOf(repository, user);
    return ok({
      permission,
      role_name: permission,
      user: { ...viewUser(world, user), role_name: permission },
    });
  }),
  repositoryRoute('GET /collaborators/:login', METADATA, ({ world, repository, params }) => {
    const user = userNamed(world, params['login'] ?? '');
    if (user === undefined || levelOf(repository, user) === 'none') throw notFound();
    return { status: 204 };
  }),
  route('GET /user', ({ world, actor }) => ok(viewFully(world, actor.user))),
  route('GET /user/:id', ({ world, params }) => {
    const user = world.users.find(({ id }) => id === Number(params['id']));
    if (user === undefined) throw notFound();
    return ok(viewFully(world, user));
  }),
  route('GET /users/:login', ({ world, params }) => {
    const user = userNamed(world, params['login'] ?? '');
    if (user === undefined) throw notFound();
    return ok(viewFully(world, user));
  }),
];

function viewFully(world: World, user: User): Json {
  return { ...user.profile, ...viewUser(world, user) };
}
