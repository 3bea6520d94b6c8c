import type { Deliveries } from './deliveries.ts';
import { viewInstallation, viewRepository, viewUser } from './views.ts';
import { nodeId, type Happening, type World } from './world.ts';

/** Raises an event for the app where it is installed, with the fields that all events have. */
export function tell(world: World, deliveries: Deliveries, happening: Happening): void {
  const { event, action, sender, repository, payload } = happening;
  const installation = happening.installation ?? repository?.installation;
  if (installation === undefined) return;
  const about = event === 'installation';
  if (!about && (installation.deleted || installation.suspended)) return;
  deliveries.add(event, {
    ...(action !== undefined && { action }),
    ...payload,
    ...(repository !== undefined && { repository: viewRepository(world, repository) }),
    sender: viewUser(world, sender),
    installation: event.startsWith('installation')
      ? viewInstallation(world, installation)
      : { id: installation.id, node_id: nodeId('I', installation.id) },
  });
}
