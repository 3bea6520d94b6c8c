import type { Delivery } from '../../store/github/deliveries.ts';
import { retryRejectedWrites, saveInstallation } from '../../store/github/github-installations.ts';
import { markRepositoryRemoved, repositoriesOf } from '../../store/github/github-repositories.ts';
import { cancelOpenRun } from '../../store/runs/change-run.ts';
import { type HandlerServices, openRepository } from '../repository/open-repository.ts';
import { forgetStackWays } from '../repository/stack-way.ts';
import { handleRenamedTarget } from './renamed-target.ts';
import { installationPayload, repositoryPayload } from '../repository/payloads.ts';

/**
 * The App was uninstalled or suspended, or repositories were removed from it: cancels their runs. Its permissions are saved;
 * when new ones were accepted, what GitHub rejected is written again.
 */
export async function handleInstallation(
  { event, payload }: Delivery,
  services: HandlerServices,
): Promise<void> {
  const { action, installation, repositories_removed } = installationPayload.parse(payload);
  const { id, permissions, events } = installation;
  if (permissions != null)
    await saveInstallation(services.database, { id, permissions, events: events ?? [] });
  if (action === 'new_permissions_accepted') {
    services.github.renewTokens(id);
    await retryRejectedWrites(services.database, id);
  }
  if (event === 'installation' && (action === 'deleted' || action === 'suspend')) {
    for (const { githubId } of await repositoriesOf(services.database, installation.id))
      await removeRepository(githubId, services, installation.id);
  }
  for (const removed of repositories_removed ?? []) await removeRepository(removed.id, services, id);
}

/** A repository was renamed, transferred, edited or deleted. */
export async function handleRepository({ payload }: Delivery, services: HandlerServices): Promise<void> {
  const { action, repository } = repositoryPayload.pick({ action: true, repository: true }).parse(payload);
  if (action === 'deleted') return removeRepository(repository.id, services);
  if (action !== 'renamed' && action !== 'transferred' && action !== 'edited') return;
  const event = repositoryPayload.parse(payload);
  const before = event.changes?.default_branch?.from;
  if (before === undefined) forgetStackWays((await openRepository(event, services)).known.id);
  else await handleRenamedTarget(event, before, services);
}

/** `installation`: the one it was removed from. A repository that has passed to another one stays. */
async function removeRepository(
  githubId: number,
  { database, runStore }: HandlerServices,
  installation?: number,
): Promise<void> {
  for (const run of await markRepositoryRemoved(database, githubId, installation))
    await cancelOpenRun(runStore, { run, actor: 'GitHub' });
}
