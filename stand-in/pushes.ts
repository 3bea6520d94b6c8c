import { isAncestor, log, NO_COMMIT, type Commit, type Refs } from './git.ts';
import { followBase, followHead } from './pulls/follow.ts';
import { viewUser } from './views.ts';
import { fullName, type Json, type Repository, type User, type World } from './world.ts';

/** The maximum number of commits that a push event lists. */
const MAX_COMMITS = 2048;

/** A change of refs: repository, actor, refs. */
export interface Push {
  readonly world: World;
  readonly repository: Repository;
  readonly sender: User;
  readonly before: Refs;
  readonly after: Refs;
  /** Done on GitHub's pages: there, deleting a merged branch changes the base of its dependents to the branch it was merged into. */
  readonly onPages?: boolean;
}

/** Raises an event for every ref that moved, then updates the pull requests. */
export async function followPush(push: Push): Promise<void> {
  const { before, after } = push;
  const moved = [...new Set([...before.keys(), ...after.keys()])].filter(
    (ref) => before.get(ref) !== after.get(ref),
  );
  for (const ref of moved) await raisePush(push, ref);
  for (const ref of moved.filter((name) => name.startsWith('refs/heads/'))) {
    const branch = ref.slice('refs/heads/'.length);
    const tip = after.get(ref);
    await followHead(push, branch, tip);
    await followBase(push, branch, tip);
  }
}

async function raisePush(push: Push, ref: string): Promise<void> {
  const { world, repository, sender } = push;
  const before = push.before.get(ref) ?? NO_COMMIT;
  const after = push.after.get(ref) ?? NO_COMMIT;
  const commits = after === NO_COMMIT ? [] : await commitsOf(push, ref);
  const html = `${world.origin}/${fullName(repository)}`;
  const listed = commits.map((commit) => viewCommit(html, commit));
  const head = after === NO_COMMIT ? undefined : (commits.at(-1) ?? (await commitAt(repository, after)));
  world.raise({
    event: 'push',
    sender,
    repository,
    payload: {
      ref,
      before,
      after,
      created: before === NO_COMMIT,
      deleted: after === NO_COMMIT,
      forced:
        before !== NO_COMMIT && after !== NO_COMMIT && !(await isAncestor(repository.bare, before, after)),
      base_ref: null,
      compare: `${html}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
      commits: listed,
      head_commit: head === undefined ? null : viewCommit(html, head),
      pusher: { name: sender.login, email: `${sender.login}@users.noreply.localhost` },
      sender: viewUser(world, sender),
    },
  });
  if (after === NO_COMMIT) raiseDelete(push, ref);
}

function raiseDelete({ world, repository, sender }: Push, name: string): void {
  const [, kind, ref = ''] = /^refs\/(heads|tags)\/(.*)$/.exec(name) ?? [];
  world.raise({
    event: 'delete',
    sender,
    repository,
    payload: { ref, ref_type: kind === 'tags' ? 'tag' : 'branch', pusher_type: 'user' },
  });
}

/** The commits that were on no ref before or, for a branch that moved, all that it gained; oldest first. */
async function commitsOf({ repository, before }: Push, ref: string): Promise<Commit[]> {
  const old = before.get(ref);
  const known = old === undefined ? [...new Set(before.values())] : [old];
  const selected = [ref, ...known.map((sha) => `^${sha}`)];
  const newest = await log(repository.bare, [`-${MAX_COMMITS}`, '--topo-order', ...selected], {
    changes: true,
  });
  return newest.toReversed();
}

async function commitAt({ bare }: Repository, sha: string): Promise<Commit | undefined> {
  const [commit] = await log(bare, ['-1', sha], { changes: true });
  return commit;
}

function viewCommit(html: string, { sha, tree, message, author, committer, changes }: Commit): Json {
  const paths = (letters: string): string[] =>
    changes.filter(({ status }) => letters.includes(status)).map(({ path }) => path);
  return {
    id: sha,
    tree_id: tree,
    distinct: true,
    message,
    timestamp: committer.date,
    url: `${html}/commit/${sha}`,
    author: { name: author.name, email: author.email },
    committer: { name: committer.name, email: committer.email },
    added: paths('A'),
    removed: paths('D'),
    modified: paths('MT'),
  };
}
