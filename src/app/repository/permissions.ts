import { findInstallation, saveInstallation } from '../../store/github/github-installations.ts';
import type { HandlerServices } from './open-repository.ts';

/** How long the permissions of an installation are believed: GitHub delivers an event when they change. Milliseconds. */
const MAX_AGE_MS = 3_600_000;

/**
 * Whether an installation grants a permission, so that a feature can do without it. From what GitHub last delivered, or else
 * asked of GitHub. Throws as the client does.
 */
export async function permits(
  { database, github, signal }: Pick<HandlerServices, 'database' | 'github' | 'signal'>,
  installation: number,
  [name, level]: readonly [permission: string, level: 'read' | 'write'],
): Promise<boolean> {
  let known = await findInstallation(database, installation, MAX_AGE_MS);
  if (known === undefined) {
    const { data } = await github.asApp(signal).rest.apps.getInstallation({ installation_id: installation });
    known = {
      id: installation,
      permissions: data.permissions,
      events: data.events,
    };
    await saveInstallation(database, known);
  }
  const granted = known.permissions[name];
  return granted !== undefined && (level === 'read' || granted !== 'read');
}
