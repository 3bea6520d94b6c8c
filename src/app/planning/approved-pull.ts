import { findAccess } from '../../github/api/access.ts';
import { findPushes, forkBranch } from '../../store/github/pushes.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import { findApprovers } from './judge-approvals.ts';

/** A pull request, as GitHub's lists show it. */
export interface ListedPull {
  readonly number: number;
  readonly user: { readonly id: number } | null;
  readonly head: {
    readonly ref: string;
    readonly sha: string;
    readonly repo: { readonly id: number } | null;
  };
  readonly base: { readonly ref: string; readonly repo: { readonly id: number } };
  readonly merged_at: string | null;
  readonly merge_commit_sha: string | null;
}

/**
 * Why a pull request is not approved at its last head by somebody who may push and is neither its author nor its last pusher, in
 * a clause; undefined: it is.
 */
export async function findDoubt(
  pull: ListedPull,
  { known, octokit }: OpenRepository,
  { database, policy }: Pick<HandlerServices, 'database' | 'policy'>,
): Promise<string | undefined> {
  const { number, user, head } = pull;
  const at = { owner: known.owner, repo: known.name };
  const reviews = await octokit.paginate(octokit.rest.pulls.listReviews, {
    ...at,
    pull_number: number,
    per_page: 100,
  });
  const branch = head.repo?.id === known.githubId ? head.ref : forkBranch(number);
  const pushes = await findPushes(database, known.id, { branch, head: head.sha });
  const { people, reason } = findApprovers(
    {
      number,
      head: head.sha,
      author: user?.id ?? null,
      pushers: new Set(pushes.map(({ sender }) => sender)),
    },
    reviews.map(({ state, commit_id: commit, user: reviewer }) => ({ state, commit, user: reviewer })),
  );
  for (const person of people)
    if ((await findAccess(octokit, known, person, policy.bots)).allowed) return undefined;
  return people.length === 0
    ? reason
    : `nobody who approved pull request ${number} may push to this repository`;
}

/** The open pull requests of a branch of the repository that have a commit as their head. */
export async function listOpenPulls(
  { known, octokit }: OpenRepository,
  { branch, commit }: { readonly branch: string; readonly commit: string },
): Promise<readonly ListedPull[]> {
  const { owner, name: repo, githubId } = known;
  const pulls: readonly ListedPull[] = await octokit.paginate(octokit.rest.pulls.list, {
    owner,
    repo,
    state: 'open',
    head: `${owner}:${branch}`,
    per_page: 100,
  });
  return pulls.filter(({ head }) => head.repo?.id === githubId && head.ref === branch && head.sha === commit);
}

/** The merged pull requests that may have brought a commit to one of these branches. */
export async function listMergedPulls(
  { known, octokit }: OpenRepository,
  { branches, commit }: { readonly branches: ReadonlySet<string>; readonly commit: string },
): Promise<readonly ListedPull[]> {
  const at = { owner: known.owner, repo: known.name };
  const isMerged = ({ merged_at, base }: ListedPull): boolean =>
    merged_at !== null && base.repo.id === known.githubId && branches.has(base.ref);
  const { data } = await octokit.rest.repos.listPullRequestsAssociatedWithCommit({
    ...at,
    commit_sha: commit,
    per_page: 100,
  });
  const found = (data as readonly ListedPull[]).filter(isMerged);
  if (found.length > 0) return found;
  // Of a merge that has just been made, GitHub may not know that yet.
  const newest = await octokit.rest.pulls.list({
    ...at,
    state: 'closed',
    sort: 'updated',
    direction: 'desc',
    per_page: 30,
  });
  return (newest.data as readonly ListedPull[]).filter(
    (pull) => isMerged(pull) && pull.merge_commit_sha === commit,
  );
}
