import { commitOf, git, isAncestor } from '../git.ts';
import { dismissReview } from '../reviews/writing.ts';
import { viewPull } from './views.ts';
import type { Push } from '../pushes.ts';
import { now, type Issue, type Pull, type Repository, type World } from '../world.ts';

/** A pull request and its repository. */
interface OpenPull {
  readonly repository: Repository;
  readonly issue: Issue;
  readonly pull: Pull;
}

/** Copies a pull request's head into the base's repository, because the branch may be in a fork. */
export async function keepHead(repository: Repository, issue: Issue, { head }: Pull): Promise<void> {
  const ref = `refs/pull/${issue.number}/head`;
  if (head.repository === repository) await git(repository.bare, ['update-ref', ref, head.sha]);
  else await git(repository.bare, ['fetch', '-q', head.repository.bare, `+${head.sha}:${ref}`]);
}

/** After a branch moved: updates the open pull requests with this head; closes them when the branch is gone. */
export async function followHead(push: Push, branch: string, tip: string | undefined): Promise<void> {
  const from = openPulls(
    push.world,
    ({ head }) => head.repository === push.repository && head.ref === branch,
  );
  for (const found of from) {
    const { repository, issue, pull } = found;
    if (tip === undefined) {
      // If the same push moved the commits onto the base, the pull request was merged, not discarded.
      if (!(await isMerged(found))) await close(push, found);
      continue;
    }
    const before = pull.head.sha;
    pull.head.sha = tip;
    await keepHead(repository, issue, pull);
    const base = await commitOf(repository.bare, `refs/heads/${pull.base.ref}`);
    pull.base.sha = base ?? pull.base.sha;
    issue.updatedAt = now();
    await raise(push, found, 'synchronize', { before, after: tip });
    if (repository.dismissesStale) await dismissApprovals(push, found);
    const movedAlone = base !== undefined && base === push.before.get(`refs/heads/${pull.base.ref}`);
    if (movedAlone && (await isAncestor(repository.bare, tip, base))) await close(push, found);
  }
}

async function dismissApprovals(
  { world, sender }: Push,
  { repository, issue, pull }: OpenPull,
): Promise<void> {
  const on = { world, repository, issue, pull, actor: { kind: 'user', user: sender } as const };
  for (const review of repository.reviews.filter((each) => each.issue === issue && each.state === 'APPROVED'))
    await dismissReview(on, review);
}

/** After a base moved: marks the pull requests that it now contains as merged. Closes all when the base is gone. */
export async function followBase(push: Push, branch: string, tip: string | undefined): Promise<void> {
  const onto = openPulls(
    push.world,
    ({ base }) => base.repository === push.repository && base.ref === branch,
  );
  for (const found of onto) {
    if (tip === undefined) await loseBase(push, found, branch);
    else if (await isMerged(found)) await finish(push, found, tip);
  }
}

/** Closes a pull request as merged by a commit. */
export async function finish(push: Push, found: OpenPull, commit: string): Promise<void> {
  const { issue, pull } = found;
  pull.mergedAt = now();
  pull.mergedBy = push.sender;
  pull.mergeCommit = commit;
  pull.broughtFrom = push.before.get(`refs/heads/${pull.base.ref}`) ?? null;
  await close(push, found);
  issue.stateReason = null;
}

async function isMerged({ repository, pull: { head, base } }: OpenPull): Promise<boolean> {
  const tip = await commitOf(repository.bare, `refs/heads/${base.ref}`);
  return tip !== undefined && (await isAncestor(repository.bare, head.sha, tip));
}

/** After a base was deleted on GitHub's pages: changes the base to the branch it was merged into, or else closes. */
async function loseBase(push: Push, found: OpenPull, branch: string): Promise<void> {
  const { repository } = found;
  const merged = repository.issues.findLast(
    (other) =>
      other.pull !== undefined &&
      other.pull.mergedAt !== null &&
      other.pull.head.repository === repository &&
      other.pull.head.ref === branch,
  )?.pull;
  const next =
    merged === undefined ? undefined : await commitOf(repository.bare, `refs/heads/${merged.base.ref}`);
  if (push.onPages !== true || merged === undefined || next === undefined) return close(push, found);
  return moveBase(push, found, { ref: merged.base.ref, sha: next });
}

/** Gives the open pull requests on a branch another base. */
export async function moveBases(
  push: Push,
  { from, to, tip }: { readonly from: string; readonly to: string; readonly tip: string },
): Promise<void> {
  const onto = openPulls(push.world, ({ base }) => base.repository === push.repository && base.ref === from);
  for (const found of onto) await moveBase(push, found, { ref: to, sha: tip });
}

/** Gives an open pull request another base, as GitHub itself does. */
export async function moveBase(
  push: Push,
  found: OpenPull,
  { ref, sha }: { readonly ref: string; readonly sha: string },
): Promise<void> {
  const { issue, pull } = found;
  const from = { ref: { from: pull.base.ref }, sha: { from: pull.base.sha } };
  pull.base.ref = ref;
  pull.base.sha = sha;
  issue.updatedAt = now();
  return raise(push, found, 'edited', { changes: { base: from } });
}

async function close(push: Push, found: OpenPull): Promise<void> {
  found.issue.state = 'closed';
  found.issue.closedAt = now();
  found.issue.updatedAt = now();
  await raise(push, found, 'closed');
}

async function raise(
  { world, sender }: Push,
  { repository, issue, pull }: OpenPull,
  action: string,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const pullRequest = await viewPull(world, repository, issue, pull);
  world.raise({
    event: 'pull_request',
    action,
    sender,
    repository,
    payload: { number: issue.number, pull_request: pullRequest, ...extra },
  });
}

function openPulls(world: World, matches: (pull: Pull) => boolean): OpenPull[] {
  return world.repositories.flatMap((repository) =>
    repository.issues.flatMap((issue) =>
      issue.state === 'open' && issue.pull !== undefined && matches(issue.pull)
        ? [{ repository, issue, pull: issue.pull }]
        : [],
    ),
  );
}
