import { isAncestor } from './ancestry.ts';
import { mergeTrees } from './merge.ts';
import { treeOf } from './objects/tree-object.ts';
import type { Repository } from './repository.ts';

/** The work to make again. */
interface RebaseOptions {
  readonly head: string;
  /** The commit that the work stood on. */
  readonly since: string;
  /** The commit that it is to stand on. */
  readonly onto: string;
  /** The message of one commit that replaces several. */
  readonly subject: string;
  /** A directory that is taken from `onto` as it is there. */
  readonly theirs?: string | undefined;
}

export type Rebase =
  /** `joined`: how many of its commits became one. */
  | { readonly kind: 'rebased'; readonly commit: string; readonly joined: number }
  | { readonly kind: 'conflict'; readonly files: readonly string[] };

/** More commits than this become one, and so do those up to one with a larger message. Commits, and bytes. */
const MAX_COMMITS = 1_000;
const MAX_COMMIT_BYTES = 256 * 1024;
/** The commits that the message of a joined one names. */
const MAX_NAMED = 20;

interface Work {
  /** Oldest first. */
  readonly commits: readonly { readonly id: string; readonly parents: readonly string[] }[];
  /** Where its commits after the last one begin that cannot be made again as it is, such as a merge. */
  readonly linearFrom: number;
}

/**
 * Makes work again on another commit: each of its commits, in the order of the history, as the change that it is since its
 * parent; one that changes nothing there is left out. The tree at the end is that of a three-way merge of the whole work. Where
 * the commits do not come to it, since one of them is a merge, or conflicts on its own, those up to it become one. So no merge
 * commit is left from `onto` to the result. Returns the head itself when it stands on `onto` without one. The same work makes
 * the same commits, but for the time of a joined one.
 */
export async function rebaseCommits(repository: Repository, options: RebaseOptions): Promise<Rebase> {
  const { head, since, onto, theirs } = options;
  if (await standsOn(repository, head, onto)) return { kind: 'rebased', commit: head, joined: 0 };
  const whole = await mergeTrees(repository, { into: head, from: onto, since, theirs });
  if (whole.kind === 'conflict') return whole;
  const work = await listWork(repository, head, [onto, since]);
  const last = work.commits.length;
  for (const joined of new Set([work.linearFrom, last])) {
    const commit = await remake(repository, work, { ...options, joined, wanted: whole.tree });
    if (commit !== undefined) return { kind: 'rebased', commit, joined };
  }
  // There are no such commits, as after a branch was moved back behind `since`.
  const commit = await repository.commit({ tree: whole.tree, parents: [onto], subject: options.subject });
  return { kind: 'rebased', commit, joined: last };
}

/** Whether there is a merge commit in the history of a commit that is not in that of another one. */
export async function hasMerges(
  { git }: Pick<Repository, 'git'>,
  head: string,
  since: string,
): Promise<boolean> {
  return (await git.run('rev-list', '--min-parents=2', '--max-count=1', head, `^${since}`)) !== '';
}

async function standsOn(repository: Repository, head: string, onto: string): Promise<boolean> {
  return (await isAncestor(repository, onto, head)) && !(await hasMerges(repository, head, onto));
}

/** Whether two commits stand on `onto` with the same trees in the same order, whoever made them and when. */
export async function isSameRebase(
  repository: Repository,
  { one, other, onto }: { readonly one: string; readonly other: string; readonly onto: string },
): Promise<boolean> {
  const of = async (head: string): Promise<string | undefined> => {
    if (!(await standsOn(repository, head, onto))) return undefined;
    const { commits } = await listWork(repository, head, [onto]);
    return (await Promise.all(commits.map(async ({ id }) => treeOf(repository.reader, id)))).join();
  };
  const [a, b] = [await of(one), await of(other)];
  return a !== undefined && a === b;
}

async function listWork({ git, reader }: Repository, head: string, known: readonly string[]): Promise<Work> {
  const options = ['--topo-order', '--reverse', '--parents', `--max-count=${MAX_COMMITS + 1}`];
  const listed = await git.run('rev-list', ...options, head, ...known.map((commit) => `^${commit}`));
  const commits = listed.split('\n').flatMap((line) => {
    const [id = '', ...parents] = line.split(' ');
    return id === '' ? [] : [{ id, parents }];
  });
  if (commits.length > MAX_COMMITS) return { commits, linearFrom: commits.length };
  const sizes = await reader.info(commits.map(({ id }) => id));
  const odd = commits.findLastIndex(
    ({ parents }, at) => parents.length !== 1 || (sizes[at]?.size ?? Infinity) > MAX_COMMIT_BYTES,
  );
  return { commits, linearFrom: odd + 1 };
}

/** Makes the first commits as one, and then the others one by one. Undefined where that does not come to the wanted tree. */
async function remake(
  repository: Repository,
  { commits }: Work,
  {
    head,
    since,
    onto,
    subject,
    theirs,
    joined,
    wanted,
  }: RebaseOptions & { readonly joined: number; readonly wanted: string },
): Promise<string | undefined> {
  const { reader } = repository;
  let [parent, tree] = [onto, await treeOf(reader, onto)];
  const first = commits[joined - 1];
  if (first !== undefined) {
    const merge =
      first.id === head
        ? ({ kind: 'merged', tree: wanted } as const)
        : await mergeTrees(repository, { into: first.id, from: onto, since, theirs });
    if (merge.kind === 'conflict') return undefined;
    if (merge.tree !== tree) {
      const body = await nameCommits(repository, commits.slice(0, joined));
      parent = await repository.commit({ tree: merge.tree, parents: [onto], subject, body });
      tree = merge.tree;
    }
  }
  for (const { id, parents } of commits.slice(joined)) {
    const [before = ''] = parents;
    const change = { from: await treeOf(reader, before), to: await treeOf(reader, id) };
    const isEmpty = change.from === change.to;
    const merge =
      (change.from === tree && theirs === undefined) || isEmpty
        ? ({ kind: 'merged', tree: isEmpty ? tree : change.to } as const)
        : await mergeTrees(repository, { into: id, from: parent, since: before, theirs });
    if (merge.kind === 'conflict') return undefined;
    if (merge.tree === tree && !isEmpty) continue;
    tree = merge.tree;
    parent = await repository.commitAgain(id, { tree, parent });
  }
  return tree === wanted ? parent : undefined;
}

/** The newest of the commits that a joined one replaces, with their authors. */
async function nameCommits({ git }: Repository, commits: Work['commits']): Promise<string> {
  const named = commits.slice(-MAX_NAMED).map(({ id }) => id);
  return git.run('log', '--no-walk=unsorted', '--format=%h %an: %s', ...named);
}
