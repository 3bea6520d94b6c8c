import { grantedBy, missingPermission, MissingPermissionError } from '../../github/api/missing-permission.ts';
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

/** Throws a MissingPermissionError where an installation does not let choo push, so that no agent works for nothing. */
export async function demandPushes(
  services: Parameters<typeof permits>[0],
  installation: number,
): Promise<void> {
  if (!(await permits(services, installation, ['contents', 'write'])))
    throw new MissingPermissionError('choo may push no branch here', 'contents=write');
}

/** What to say of an error that names a missing permission; undefined: it is about something else. */
export function withheldMessage(error: unknown): string | undefined {
  const needs = missingPermission(error);
  if (needs === undefined) return undefined;
  return error instanceof MissingPermissionError ? error.message : `GitHub refused it; ${grantedBy(needs)}`;
}

/** What runs write, by the permission for it. Without `contents` there is no run. */
const WRITTEN = { checks: 'the checks', pull_requests: 'the pull requests' } as const;

/** A permission without which a run goes on, and its results show elsewhere. */
export type WithheldPermission = keyof typeof WRITTEN;

/** What an installation does not let choo write, with a sentence for people. Throws as the client does. */
export async function findWithheld(
  services: Parameters<typeof permits>[0],
  installation: number,
): Promise<ReadonlyMap<WithheldPermission, string>> {
  const withheld = new Map<WithheldPermission, string>();
  for (const [name, what] of Object.entries(WRITTEN) as [WithheldPermission, string][])
    if (!(await permits(services, installation, [name, 'write'])))
      withheld.set(name, `${what} were not written: ${grantedBy(`${name}=write`)}`);
  return withheld;
}
