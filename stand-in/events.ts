import { grants } from './permissions.ts';
import { viewInstallation, viewRepository, viewUser } from './views.ts';
import { nodeId, type Happening, type Installation, type World } from './world.ts';

/** The permission without which GitHub does not send an event. Events about the app itself need none. */
const NEEDED: Readonly<Record<string, string>> = {
  push: 'contents',
  delete: 'contents',
  pull_request: 'pull_requests',
  pull_request_review: 'pull_requests',
  pull_request_review_comment: 'pull_requests',
  pull_request_review_thread: 'pull_requests',
  issues: 'issues',
  issue_comment: 'issues|pull_requests',
  check_run: 'checks',
  check_suite: 'checks',
  status: 'statuses',
  repository: 'metadata',
};

/** Raises an event for the app where it is installed, with the fields that all events have. */
export function tell(world: World, happening: Happening): void {
  const { event, action, sender, repository, payload } = happening;
  const installation = happening.installation ?? repository?.installation;
  if (installation === undefined || !wants(world, installation, event)) return;
  world.deliveries.add(event, {
    ...(action !== undefined && { action }),
    ...payload,
    ...(repository !== undefined && { repository: viewRepository(world, repository) }),
    sender: viewUser(world, sender),
    installation: event.startsWith('installation')
      ? viewInstallation(world, installation)
      : { id: installation.id, node_id: nodeId('I', installation.id) },
  });
}

function wants({ app }: World, installation: Installation, event: string): boolean {
  if (event === 'installation') return true;
  if (installation.deleted || installation.suspended) return false;
  if (event.startsWith('installation')) return true;
  const needed = NEEDED[event];
  if (needed !== undefined && !grants(installation.permissions, needed, 'read')) return false;
  return app.events?.includes(event) ?? true;
}
