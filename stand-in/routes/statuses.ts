import { commitOf } from '../git.ts';
import { invalid, notFound } from '../refusal.ts';
import {
  created,
  ok,
  optionalText,
  page,
  repositoryRoute,
  type RepositoryCall,
  type Route,
} from '../router.ts';
import { viewRepository, viewUser } from '../views.ts';
import { fullName, nodeId, now, type Json, type Status } from '../world.ts';

const NEEDS = { permission: 'statuses' };

/** Commit statuses. */
export const STATUS_ROUTES: readonly Route[] = [
  repositoryRoute('POST /statuses/:sha', NEEDS, async (call) => {
    const { world, repository, actor, body, params } = call;
    const sha = await commitOf(repository.bare, params['sha'] ?? '');
    if (sha === undefined)
      throw invalid({
        resource: 'Status',
        code: 'custom',
        message: `No commit found for SHA: ${params['sha']}`,
      });
    const state = optionalText(body, 'state') ?? '';
    if (!['error', 'failure', 'pending', 'success'].includes(state))
      throw invalid({ resource: 'Status', code: 'invalid', field: 'state' });
    const status: Status = {
      id: world.nextId(),
      sha,
      state,
      context: optionalText(body, 'context') ?? 'default',
      description: optionalText(body, 'description') ?? null,
      targetUrl: optionalText(body, 'target_url') ?? null,
      user: actor.user,
      createdAt: now(),
    };
    repository.statuses.push(status);
    return created(viewStatus(call, status));
  }),
  repositoryRoute('GET /commits/:ref*/statuses', NEEDS, async (call) => {
    const statuses = await statusesOf(call);
    return page(call, statuses, (status) => viewStatus(call, status));
  }),
  repositoryRoute('GET /commits/:ref*/status', NEEDS, async (call) => {
    const latest = [
      ...new Map((await statusesOf(call)).toReversed().map((each) => [each.context, each])).values(),
    ];
    const states = latest.map(({ state }) => state);
    const worst = states.some((state) => state === 'failure' || state === 'error') ? 'failure' : 'pending';
    return ok({
      state: states.length > 0 && states.every((state) => state === 'success') ? 'success' : worst,
      sha: await commitOf(call.repository.bare, call.params['ref'] ?? ''),
      total_count: latest.length,
      statuses: latest.map((status) => viewStatus(call, status)),
      repository: viewRepository(call.world, call.repository),
    });
  }),
];

async function statusesOf({ repository, params }: RepositoryCall): Promise<Status[]> {
  const sha = await commitOf(repository.bare, params['ref'] ?? '');
  if (sha === undefined) throw notFound();
  return repository.statuses.filter((status) => status.sha === sha).toReversed();
}

function viewStatus({ world, repository }: RepositoryCall, status: Status): Json {
  return {
    id: status.id,
    node_id: nodeId('SC', status.id),
    url: `${world.origin}/api/v3/repos/${fullName(repository)}/statuses/${status.sha}`,
    state: status.state,
    context: status.context,
    description: status.description,
    target_url: status.targetUrl,
    creator: viewUser(world, status.user),
    created_at: status.createdAt,
    updated_at: status.createdAt,
  };
}
