import { statusOf } from '../../github/api/client.ts';
import type { OpenRepository } from '../repository/open-repository.ts';

/** The result of reopening a pull request. */
export type ReopenResult =
  | { readonly kind: 'open'; readonly base: string; readonly draft: boolean }
  /** Its head branch does not exist, or it was merged meanwhile, which a delivery or the sweep tells. */
  | { readonly kind: 'gone' }
  /** GitHub does not reopen it: its head was replaced while it was closed. */
  | { readonly kind: 'refused'; readonly old: ClosedPull };

/** What a new pull request takes over from the one that it replaces. */
export interface ClosedPull {
  readonly labels: readonly string[];
  /** Logins of users, and slugs of teams. */
  readonly reviewers: readonly string[];
  readonly teams: readonly string[];
}

/**
 * Reopens a pull request that GitHub closed when one of its branches was deleted. GitHub neither reopens a pull request
 * without a base nor changes the base of a closed one: so a deleted base is recreated where it was, and deleted again once no
 * pull request goes to it.
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
  if (pull.merged) return { kind: 'gone' };
  const lost = pull.base.ref;
  const isBaseThere = (await branches.head(lost)) !== undefined;
  if (!isBaseThere) await branches.publish(lost, pull.base.sha, undefined);
  try {
    await octokit.rest.pulls.update({ ...at, state: 'open' });
  } catch (error) {
    if (!isBaseThere) await branches.remove(lost, pull.base.sha);
    if (statusOf(error) !== 422) throw error;
    return { kind: 'refused', old: describe(pull) };
  }
  if (isBaseThere || lost === base) return { kind: 'open', base: lost, draft };
  // When the base cannot be changed, the branch stays: deleting it would close the pull request again.
  await octokit.rest.pulls.update({ ...at, base });
  await branches.remove(lost, pull.base.sha);
  return { kind: 'open', base, draft };
}

/** The part of a pull request, as GitHub describes it, that {@link ClosedPull} holds. */
interface DescribedPull {
  readonly labels: readonly { readonly name: string }[];
  readonly requested_reviewers?: readonly { readonly login: string }[] | null;
  readonly requested_teams?: readonly { readonly slug: string }[] | null;
}

function describe({ labels, requested_reviewers, requested_teams }: DescribedPull): ClosedPull {
  return {
    labels: labels.map(({ name }) => name),
    reviewers: (requested_reviewers ?? []).map(({ login }) => login),
    teams: (requested_teams ?? []).map(({ slug }) => slug),
  };
}

/** Gives a new pull request the labels of the one that it replaces, and asks the same people for reviews. */
export async function takeOver(
  { octokit, known }: OpenRepository,
  number: number,
  { labels, reviewers, teams }: ClosedPull,
): Promise<void> {
  const at = { owner: known.owner, repo: known.name };
  if (labels.length > 0)
    await octokit.rest.issues.addLabels({ ...at, issue_number: number, labels: [...labels] });
  if (reviewers.length + teams.length > 0)
    await octokit.rest.pulls.requestReviewers({
      ...at,
      pull_number: number,
      reviewers: [...reviewers],
      team_reviewers: [...teams],
    });
}
