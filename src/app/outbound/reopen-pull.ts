import { isOwnBranch } from '../../git/branches.ts';
import { statusOf } from '../../github/api/client.ts';
import type { OpenRepository } from '../repository/open-repository.ts';

/** What came of bringing a closed pull request back. */
export type ReopenResult =
  | { readonly kind: 'open'; readonly base: string; readonly draft: boolean }
  /** The branch it comes from is not there. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused' };

/**
 * Opens a pull request again that GitHub closed when one of its branches was deleted. GitHub reopens none whose base is not
 * there, and changes the base of none that is closed: so a branch of choo's is made again for that moment. Once nothing
 * goes to it, it is deleted again; one of somebody else's is left alone.
 */
export async function reopenPull(
  repository: OpenRepository,
  number: number,
  base: string,
): Promise<ReopenResult> {
  const { octokit, known } = repository;
  const at = { owner: known.owner, repo: known.name, pull_number: number };
  const { data: pull } = await octokit.rest.pulls.get(at);
  const draft = pull.draft === true;
  if (pull.state === 'open') return { kind: 'open', base: pull.base.ref, draft };
  using remote = await repository.openRemote();
  const { branches } = remote;
  if ((await branches.head(pull.head.ref)) === undefined) return { kind: 'gone' };
  const lost = pull.base.ref;
  const isBaseThere = (await branches.head(lost)) !== undefined;
  if (pull.merged || (!isBaseThere && !isOwnBranch(lost))) return { kind: 'refused' };
  if (!isBaseThere) await branches.publish(lost, pull.base.sha, undefined);
  try {
    await octokit.rest.pulls.update({ ...at, state: 'open' });
  } catch (error) {
    if (!isBaseThere) await branches.remove(lost, pull.base.sha);
    if (statusOf(error) !== 422) throw error;
    return { kind: 'refused' };
  }
  if (isBaseThere) return { kind: 'open', base: lost, draft };
  // Where the base cannot be changed, it stays: without it, the pull request would be closed once more.
  await octokit.rest.pulls.update({ ...at, base });
  await branches.remove(lost, pull.base.sha);
  return { kind: 'open', base, draft };
}
