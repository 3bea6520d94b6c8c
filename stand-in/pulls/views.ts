import { askGit, commitOf, lines } from '../git.ts';
import { canRebase, commitTree } from './methods.ts';
import { viewStack } from './stacks.ts';
import { associationOf, viewLabel, viewRepository, viewUser } from '../views.ts';
import {
  fullName,
  type Issue,
  type Json,
  type Pull,
  type Repository,
  type Side,
  type World,
} from '../world.ts';

/** A pull request as lists show it. */
export function viewPullBriefly(world: World, repository: Repository, issue: Issue, pull: Pull): Json {
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}`;
  const html = `${world.origin}/${fullName(repository)}/pull/${issue.number}`;
  const url = `${api}/pulls/${issue.number}`;
  const comments = `${api}/issues/${issue.number}/comments`;
  const statuses = `${api}/statuses/${pull.head.sha}`;
  return {
    id: pull.id,
    node_id: pull.nodeId,
    number: issue.number,
    url,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: `${api}/issues/${issue.number}`,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    comments_url: comments,
    statuses_url: statuses,
    state: issue.state,
    locked: false,
    title: issue.title,
    body: issue.body,
    user: viewUser(world, issue.user),
    labels: issue.labels.map((label) => viewLabel(world, repository, label)),
    milestone: null,
    assignee: issue.assignees[0] === undefined ? null : viewUser(world, issue.assignees[0]),
    assignees: issue.assignees.map((user) => viewUser(world, user)),
    requested_reviewers: pull.requested.map((user) => viewUser(world, user)),
    requested_teams: [],
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    merged_at: pull.mergedAt,
    // Of an open pull request, the last merge that was tried: no evidence that it is merged.
    merge_commit_sha: pull.mergeCommit ?? pull.trial?.commit ?? null,
    draft: pull.draft,
    head: viewSide(world, pull.head),
    base: viewSide(world, pull.base),
    _links: {
      self: { href: url },
      html: { href: html },
      issue: { href: `${api}/issues/${issue.number}` },
      comments: { href: comments },
      review_comments: { href: `${url}/comments` },
      review_comment: { href: `${api}/pulls/comments{/number}` },
      commits: { href: `${url}/commits` },
      statuses: { href: statuses },
    },
    author_association: associationOf(repository, issue.user),
    auto_merge: null,
    stack: viewStack(repository, issue),
    active_lock_reason: null,
  };
}

/** A pull request as its own page and its events show it, with its state from git. */
export async function viewPull(
  world: World,
  repository: Repository,
  issue: Issue,
  pull: Pull,
): Promise<Json> {
  const { mergeable, commits, stat } = await standingOf(repository, issue, pull);
  const counted = (pattern: RegExp): number => Number(pattern.exec(stat)?.[1] ?? 0);
  return {
    ...viewPullBriefly(world, repository, issue, pull),
    merged: pull.mergedAt !== null,
    merged_by: pull.mergedBy === null ? null : viewUser(world, pull.mergedBy),
    mergeable,
    rebaseable: mergeable === null ? null : (pull.trial?.rebaseable ?? null),
    mergeable_state: stateOf(mergeable, pull),
    comments: repository.comments.filter((comment) => comment.issue === issue).length,
    review_comments: repository.reviewComments.filter(
      ({ thread, review }) => thread.issue === issue && review.state !== 'PENDING',
    ).length,
    maintainer_can_modify: false,
    commits,
    additions: counted(/(\d+) insertion/),
    deletions: counted(/(\d+) deletion/),
    changed_files: counted(/(\d+) files? changed/),
  };
}

/** The merge base of the head and the base, at the time when either was last read. */
export async function mergeBase(bare: string, { head, base, mergedAt }: Pull): Promise<string | undefined> {
  const tip = mergedAt === null ? await commitOf(bare, `refs/heads/${base.ref}`) : undefined;
  return askGit(bare, ['merge-base', tip ?? base.sha, head.sha]);
}

/** The state from git, in as few commands as possible: against the present base, or the former base of a closed one. */
async function standingOf(
  repository: Repository,
  issue: Issue,
  pull: Pull,
): Promise<{ readonly mergeable: boolean | null; readonly commits: number; readonly stat: string }> {
  const { bare } = repository;
  const { head, base } = pull;
  const against = async (onto: string): Promise<readonly [string | undefined, string]> =>
    Promise.all([
      askGit(bare, ['rev-list', '--count', head.sha, `^${onto}`]),
      askGit(bare, ['diff', '--shortstat', `${onto}...${head.sha}`]).then((stat = '') => stat),
    ]);
  const tip = `refs/heads/${base.ref}`;
  if (issue.state === 'open') {
    const [[commits, stat], trial] = await Promise.all([against(tip), tryMerge(repository, issue, pull)]);
    if (commits !== undefined && trial !== undefined)
      return { mergeable: trial.commit !== null, commits: Number(commits), stat };
  }
  const [commits = '0', stat] = await against(base.sha);
  return { mergeable: null, commits: Number(commits), stat };
}

/** Merges a head into its base as a trial, once for each pair of commits. Undefined without a base. */
async function tryMerge(repository: Repository, issue: Issue, pull: Pull): Promise<Pull['trial']> {
  const { bare } = repository;
  const base = await commitOf(bare, `refs/heads/${pull.base.ref}`);
  const head = pull.head.sha;
  if (base === undefined) return undefined;
  if (pull.trial?.base !== base || pull.trial.head !== head) {
    const tree = await mergedTree(bare, base, head);
    const message = `Merge ${head} into ${base}`;
    const commit =
      tree === undefined
        ? null
        : await commitTree(bare, { tree, parents: [base, head], message, author: issue.user });
    pull.trial = { base, head, commit, rebaseable: commit === null ? false : null };
  }
  return pull.trial;
}

/** Finds out whether a pull request could be merged by rebase. GitHub says so on its own page only. */
export async function tryRebase(repository: Repository, issue: Issue, pull: Pull): Promise<void> {
  const trial = issue.state === 'open' ? await tryMerge(repository, issue, pull) : undefined;
  if (trial?.rebaseable !== null) return;
  const { base, head } = trial;
  trial.rebaseable = await canRebase(repository.bare, { base, head, by: issue.user });
}

/** The tree of the merge; undefined when there are conflicts. */
export async function mergedTree(bare: string, base: string, head: string): Promise<string | undefined> {
  const printed = await askGit(bare, ['merge-tree', '--write-tree', base, head]);
  return printed === undefined ? undefined : lines(printed)[0];
}

function stateOf(mergeable: boolean | null, { draft }: Pull): string {
  if (mergeable === null) return 'unknown';
  if (!mergeable) return 'dirty';
  return draft ? 'draft' : 'clean';
}

function viewSide(world: World, { repository, ref, sha }: Side): Json {
  return {
    label: `${repository.owner.login}:${ref}`,
    ref,
    sha,
    user: viewUser(world, repository.owner),
    repo: viewRepository(world, repository),
  };
}
