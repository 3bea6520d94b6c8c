import { notFound, Refusal } from '../refusal.ts';
import { maySee, ok, page, route, type Call, type Route } from '../router.ts';
import { viewApp, viewInstallation, viewRepository } from '../views.ts';
import { repositoryNamed } from '../world.ts';

/** Routes of an app about itself, except the creation of tokens. */
export const APP_ROUTES: readonly Route[] = [
  route('GET /app', (call) => {
    demandKey(call);
    const { installations } = call.world;
    const count = installations.filter(({ deleted }) => !deleted).length;
    return ok({ ...viewApp(call.world), installations_count: count });
  }),
  route('GET /app/installations', (call) => {
    demandKey(call);
    const there = call.world.installations.filter(({ deleted }) => !deleted);
    return page(call, there, (installation) => viewInstallation(call.world, installation));
  }),
  route('GET /app/installations/:id', (call) => {
    demandKey(call);
    const found = call.world.installations.find(
      ({ id, deleted }) => id === Number(call.params['id']) && !deleted,
    );
    if (found === undefined) throw notFound();
    return ok(viewInstallation(call.world, found));
  }),
  route('GET /repos/:owner/:repo/installation', (call) => {
    demandKey(call);
    const repository = repositoryNamed(call.world, `${call.params['owner']}/${call.params['repo']}`);
    const installation = repository?.installation;
    if (installation === undefined || installation.deleted) throw notFound();
    return ok(viewInstallation(call.world, installation));
  }),
  ...['users', 'orgs'].map((kind) =>
    route(`GET /${kind}/:login/installation`, (call) => {
      demandKey(call);
      const installation = call.world.installations.find(
        ({ account, deleted }) => account.login === call.params['login'] && !deleted,
      );
      if (installation === undefined) throw notFound();
      return ok(viewInstallation(call.world, installation));
    }),
  ),
  route('GET /installation/repositories', (call) => {
    if (call.actor.kind !== 'installation')
      throw new Refusal(
        403,
        'You must authenticate with an installation access token in order to list repositories for an installation.',
      );
    const repositories = call.world.repositories.filter((repository) => maySee(call.actor, repository));
    return page(
      call,
      repositories,
      (repository) => viewRepository(call.world, repository),
      (shown) => ({
        total_count: repositories.length,
        repository_selection: 'selected',
        repositories: shown,
      }),
    );
  }),
];

function demandKey({ actor }: Call): void {
  if (actor.kind !== 'app') throw new Refusal(401, 'A JSON web token could not be decoded');
}
