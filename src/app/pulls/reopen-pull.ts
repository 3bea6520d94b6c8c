import { statusOf } from '../../github/api/client.ts';
import type { OpenRepository } from '../repository/open-repository.ts';

/** The result of reopening a pull request. */
export type ReopenResult =
  | { readonly kind: 'open'; readonly base: string; readonly draft: boolean }
  /** Its head branch does not exist. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused' };

/**
 * Reopens a pull request that GitHub closed when one of its branches was deleted. GitHub neither reopens a pull request
 * without a base nor changes the base of a closed one: so a deleted base is recreated where it was for that moment, and deleted
 * again once no pull request goes to it.
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
  if (pull.merged) return { kind: 'refused' };
  if (!isBaseThere) await branches.publish(lost, pull.base.sha, undefined);
  try {
    await octokit.rest.pulls.update({ ...at, state: 'open' });
  } catch (error) {
    if (!isBaseThere) await branches.remove(lost, pull.base.sha);
    if (statusOf(error) !== 422) throw error;
    return { kind: 'refused' };
  }
  if (isBaseThere) return { kind: 'open', base: lost, draft };
  // When the base cannot be changed, the branch stays: deleting it would close the pull request again.
  await octokit.rest.pulls.update({ ...at, base });
  await branches.remove(lost, pull.base.sha);
  return { kind: 'open', base, draft };
}
