import { statusOf } from '../../github/api/client.ts';
import { moveTarget, newestCommitOf } from '../../store/runs/move-target.ts';
import { type HandlerServices, openRepository } from '../repository/open-repository.ts';
import type { Common } from '../repository/payloads.ts';

/**
 * The default branch has another name: when it was renamed, everything of the old name goes on under the new one. That another
 * branch became the default one, while the old one is still there, is no rename.
 */
export async function handleRenamedTarget(
  event: Common,
  from: string,
  services: HandlerServices,
): Promise<void> {
  const repository = await openRepository(event, services);
  const { known, octokit } = repository;
  const to = event.repository.default_branch;
  if (from === to || !(await isRename())) return;
  await moveTarget(services.database, { repository: known.id, from, to });

  /** The old branch is gone, and the new one has what choo last saw of it, or GitHub redirects the old name to it. */
  async function isRename(): Promise<boolean> {
    using remote = await repository.openRemote();
    const { branches } = remote;
    const seen = [
      await branches.fetchedHead(from),
      await newestCommitOf(services.database, { repository: known.id, target: from }),
    ];
    const [before, now] = [await branches.head(from), await branches.head(to)];
    if (before !== undefined || now === undefined) return false;
    await branches.fetch(services.signal);
    const git = remote.repository.git.until(services.signal);
    for (const commit of seen) {
      const [there] = commit === undefined ? [] : await remote.repository.reader.info([commit]);
      if (there !== undefined && commit !== undefined)
        if ((await git.ask('merge-base', '--is-ancestor', commit, now)).yes) return true;
    }
    return redirects();
  }

  /** https://docs.github.com/en/rest/branches/branches#get-a-branch: a renamed branch is answered with 301. */
  async function redirects(): Promise<boolean> {
    try {
      const at = { owner: known.owner, repo: known.name };
      return (await octokit.rest.repos.getBranch({ ...at, branch: from })).data.name === to;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  }
}
