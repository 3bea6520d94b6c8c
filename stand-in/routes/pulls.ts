import { changedFiles } from '../pulls/diff.ts';
import { commitOf, git, isAncestor, log } from '../git.ts';
import { keepHead } from '../pulls/follow.ts';
import { mergeBase, tryRebase, viewPull, viewPullBriefly } from '../pulls/views.ts';
import { stackOf } from '../pulls/stacks.ts';
import { invalid, notFound, Refusal } from '../refusal.ts';
import {
  created,
  demandRight,
  issueOf,
  maySee,
  ok,
  optionalText,
  page,
  repositoryRoute,
  text,
  type Reply,
  type RepositoryCall,
  type Route,
} from '../router.ts';
import { nodeId, type Issue, type Pull, type Repository, type Side } from '../world.ts';
import { changeState } from './change-state.ts';
import { viewCommit } from './commit-views.ts';
import { raiseIssue } from './issue-events.ts';
import { addIssue, edit } from './issues.ts';

const NEEDS = { permission: 'pull_requests' };
const LABELLED = { permission: 'pull_requests', people: 'read' } as const;

/** Pull requests, with heads and files from git. */
export const PULL_ROUTES: readonly Route[] = [
  repositoryRoute('GET /pulls', NEEDS, (call) => {
    const { world, repository } = call;
    return page(call, selected(call), ([issue, pull]) => viewPullBriefly(world, repository, issue, pull));
  }),
  // Of a merged one: the commits that it brought to its base, and those of its branch.
  repositoryRoute('GET /commits/:sha/pulls', NEEDS, async (call) => {
    const { world, repository, params } = call;
    const sha = await commitOf(repository.bare, params['sha'] ?? '');
    if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${params['sha']}`);
    const found: [Issue, Pull][] = [];
    for (const issue of repository.issues)
      if (issue.pull !== undefined && (await hasCommit(repository, issue.pull, sha)))
        found.push([issue, issue.pull]);
    return page(call, found, ([issue, pull]) => viewPullBriefly(world, repository, issue, pull));
  }),
  repositoryRoute('POST /pulls', LABELLED, (call) => call.repository.alone(() => open(call))),
  repositoryRoute('GET /pulls/:number', NEEDS, async (call) => {
    const [issue, pull] = pullOf(call);
    await tryRebase(call.repository, issue, pull);
    return ok(await viewPull(call.world, call.repository, issue, pull));
  }),
  repositoryRoute('PATCH /pulls/:number', LABELLED, (call) => call.repository.alone(() => change(call))),
  repositoryRoute('GET /pulls/:number/files', NEEDS, async (call) => {
    const [, pull] = pullOf(call);
    const start = await mergeBase(call.repository.bare, pull);
    const files = await changedFiles(call.repository.bare, start ?? pull.base.sha, pull.head.sha);
    return page(call, files.slice(0, 3000), (file) => file);
  }),
  repositoryRoute('GET /pulls/:number/commits', NEEDS, async (call) => {
    const { world, repository } = call;
    const [, pull] = pullOf(call);
    const start = await mergeBase(repository.bare, pull);
    const commits = await log(repository.bare, ['-250', pull.head.sha, `^${start ?? pull.base.sha}`]);
    return page(call, commits.toReversed(), (commit) => viewCommit(world, repository, commit));
  }),
];

async function open(call: RepositoryCall): Promise<Reply> {
  const { world, repository, body } = call;
  const title = text(body, 'title', 'PullRequest');
  const head = await headOf(call);
  const base = await baseOf(call, text(body, 'base', 'PullRequest'));
  await demandNew(call, head, base);
  const draft = body['draft'] === true;
  if (draft && !repository.drafts)
    throw new Refusal(422, 'Draft pull requests are not supported in this repository.');
  const id = world.nextId();
  const pull: Pull = {
    id,
    nodeId: nodeId('PR', id),
    head,
    base,
    draft,
    mergedAt: null,
    mergedBy: null,
    mergeCommit: null,
    broughtFrom: null,
    requested: [],
  };
  const issue = addIssue(call, title, pull);
  await keepHead(repository, issue, pull);
  await raiseIssue(call, issue, 'opened');
  return created(await viewPull(world, repository, issue, pull));
}

async function change(call: RepositoryCall): Promise<Reply> {
  const { world, repository, body } = call;
  const [issue, pull] = pullOf(call);
  demandRight(call, issue.user);
  const wanted = optionalText(body, 'base');
  const changes: Record<string, unknown> = {};
  if (wanted !== undefined && stackOf(repository, issue) !== undefined) {
    await edit(call, issue, {}); // a refused base does not prevent the other changes
    throw invalid({
      resource: 'PullRequest',
      code: 'invalid',
      field: 'base',
      message: 'Cannot change the base branch because the pull request is part of a stack.',
    });
  }
  if (wanted !== undefined && wanted !== pull.base.ref) {
    if (issue.state === 'closed')
      throw invalid({
        resource: 'PullRequest',
        code: 'invalid',
        field: 'base',
        message: 'Cannot change the base branch of a closed pull request.',
      });
    const base = await baseOf(call, wanted);
    await demandNew(call, pull.head, base, true);
    changes['base'] = { ref: { from: pull.base.ref }, sha: { from: pull.base.sha } };
    pull.base.ref = base.ref;
    pull.base.sha = base.sha;
  }
  await edit(call, issue, changes);
  await changeState(call, issue);
  return ok(await viewPull(world, repository, issue, pull));
}

/** The pull request that a path names. */
export function pullOf(call: RepositoryCall): [Issue, Pull] {
  const issue = issueOf(call);
  if (issue.pull === undefined) throw notFound();
  return [issue, issue.pull];
}

function selected({ repository, query }: RepositoryCall): [Issue, Pull][] {
  const { state = 'open', head, base } = query;
  return repository.issues
    .flatMap((issue): [Issue, Pull][] => (issue.pull === undefined ? [] : [[issue, issue.pull]]))
    .filter(([issue]) => state === 'all' || issue.state === state)
    .filter(([, pull]) => base === undefined || pull.base.ref === base)
    .filter(([, pull]) => head === undefined || sameHead(head, pull.head))
    .toSorted(([one], [other]) =>
      query['direction'] === 'asc' ? one.number - other.number : other.number - one.number,
    );
}

async function hasCommit(
  { bare }: Repository,
  { head, base, broughtFrom, mergeCommit }: Pull,
  sha: string,
): Promise<boolean> {
  const isIn = async (tip: string, before: string): Promise<boolean> =>
    (await isAncestor(bare, sha, tip)) && !(await isAncestor(bare, sha, before));
  if (await isIn(head.sha, base.sha)) return true;
  return mergeCommit !== null && broughtFrom !== null && isIn(mergeCommit, broughtFrom);
}

// GitHub ignores a filter that does not name the owner.
function sameHead(wanted: string, { repository, ref }: Side): boolean {
  return !wanted.includes(':') || wanted === `${repository.owner.login}:${ref}`;
}

async function headOf({ world, repository, actor, body }: RepositoryCall): Promise<Side> {
  const wanted = text(body, 'head', 'PullRequest');
  const colon = wanted.indexOf(':');
  const owner = colon === -1 ? repository.owner.login : wanted.slice(0, colon);
  const ref = wanted.slice(colon + 1);
  const related = (each: Repository): boolean =>
    each === repository || each.parent === repository || each === repository.parent;
  const source = world.repositories.find(
    (each) =>
      each.owner.login === owner && related(each) && (maySee(actor, each) || each.parent === repository),
  );
  const sha = source === undefined ? undefined : await commitOf(source.bare, `refs/heads/${ref}`);
  if (source === undefined || sha === undefined)
    throw invalid({ resource: 'PullRequest', field: 'head', code: 'invalid' });
  return { repository: source, ref, sha };
}

async function baseOf({ repository }: RepositoryCall, ref: string): Promise<Side> {
  const sha = await commitOf(repository.bare, `refs/heads/${ref}`);
  if (sha === undefined) throw invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' });
  return { repository, ref, sha };
}

/** Throws a Refusal for a second pull request from the same head to the same base, and for one without commits. */
async function demandNew(
  { repository }: RepositoryCall,
  head: Side,
  base: Side,
  retargeted = false,
): Promise<void> {
  const custom = (message: string): Refusal => invalid({ resource: 'PullRequest', code: 'custom', message });
  const twin = repository.issues.find(
    ({ state, pull }) =>
      state === 'open' &&
      pull?.head.repository === head.repository &&
      pull.head.ref === head.ref &&
      pull.base.ref === base.ref,
  );
  const label = `${head.repository.owner.login}:${head.ref}`;
  const between = `base branch '${base.ref}' and head branch '${head.ref}'`;
  if (twin !== undefined)
    throw custom(`A pull request already exists for ${retargeted ? between : `${label}.`}`);
  if (head.repository !== repository)
    await git(repository.bare, ['fetch', '-q', head.repository.bare, head.sha]);
  const commits = await git(repository.bare, ['rev-list', '--count', head.sha, `^${base.sha}`]);
  if (commits === '0')
    throw custom(
      retargeted
        ? `There are no new commits between ${between}`
        : `No commits between ${base.ref} and ${head.ref}`,
    );
}
