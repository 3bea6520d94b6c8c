import type { Delivery } from '../deliveries.ts';
import { notFound, Refusal } from '../refusal.ts';
import { maySee, ok, page, route, type Call, type Route } from '../router.ts';
import { viewApp, viewInstallation, viewRepository } from '../views.ts';
import { repositoryNamed, type Json } from '../world.ts';

/** Routes of an app about itself, except the creation of tokens. */
export const APP_ROUTES: readonly Route[] = [
  route('GET /app', (call) => {
    demandKey(call);
    const { installations } = call.world;
    const count = installations.filter(({ deleted }) => !deleted).length;
    return ok({ ...viewApp(call.world), installations_count: count });
  }),
  // https://docs.github.com/en/rest/apps/webhooks: newest first, one page after the other by a cursor.
  route('GET /app/hook/deliveries', (call) => {
    demandKey(call);
    const { query, world } = call;
    const size = Math.min(100, Number(query['per_page'] ?? 30));
    const posted = world.deliveries.all
      .filter(({ state }) => state !== 'waiting' && state !== 'lost')
      .toReversed();
    const from = posted.findIndex(({ id }) => `v1_${id}` === query['cursor']);
    const shown = posted.slice(Math.max(0, from), Math.max(0, from) + size);
    const next = posted[Math.max(0, from) + size];
    const search = next && new URLSearchParams({ ...query, cursor: `v1_${next.id}` }).toString();
    return {
      status: 200,
      body: shown.map((delivery) => viewDelivery(delivery)),
      ...(search !== undefined && {
        headers: { link: `<${world.origin}/api/v3/app/hook/deliveries?${search}>; rel="next"` },
      }),
    };
  }),
  route('POST /app/hook/deliveries/:id/attempts', (call) => {
    demandKey(call);
    const found = call.world.deliveries.all.find(({ id }) => id === Number(call.params['id']));
    if (found === undefined) throw notFound();
    call.world.deliveries.redeliver(found);
    return { status: 202, body: {} };
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

/** A delivery in a list, without what was sent and answered. */
function viewDelivery({ id, guid, at, isRedelivery, status, event, action, body }: Delivery): Json {
  const idOf = (part: unknown): unknown => (part as { id?: unknown } | undefined)?.id ?? null;
  const isOk = status !== undefined && status < 300;
  return {
    id,
    guid,
    delivered_at: at,
    redelivery: isRedelivery,
    duration: 0.1,
    status: isOk
      ? 'OK'
      : status === undefined
        ? 'failed to connect to host'
        : `Invalid HTTP Response: ${status}`,
    status_code: status ?? 502,
    event,
    action: action ?? null,
    installation_id: idOf(body['installation']),
    repository_id: idOf(body['repository']),
    throttled_at: null,
  };
}

function demandKey({ actor }: Call): void {
  if (actor.kind !== 'app') throw new Refusal(401, 'A JSON web token could not be decoded');
}
