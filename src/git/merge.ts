import { ChooError } from '../errors.ts';
import { refuseTooLarge } from './objects/checkout-size.ts';
import { findTree, replaceFiles, treeOf } from './objects/tree-object.ts';
import { isTaskList, mergeTaskLists } from './objects/task-lists.ts';
import type { Repository } from './repository.ts';

export type Merge =
  | { readonly kind: 'merged'; readonly commit: string }
  /** Both heads are unchanged. `tree`: what git could merge, with conflict markers where both sides changed the same lines. */
  | { readonly kind: 'conflict'; readonly files: readonly string[]; readonly tree: string };

/** The commits to merge; `subject` is the message of the merge commit. */
interface MergeOptions {
  readonly into: string;
  readonly from: string;
  readonly subject: string;
  /**
   * The merge base: changes of `into` since this commit are applied to `from`. Without it git computes one from their
   * histories, which is wrong when `from` reverted something that `into` still has in its history.
   */
  readonly since?: string | undefined;
  /** With `since`: a directory that is taken from `from` as it is there. */
  readonly theirs?: string | undefined;
}

/**
 * Merges one commit into another without a checkout (git 2.38). If one contains the other, returns it and creates no
 * commit. Throws a ChooError (`conflict`) when the two have no common history, so that no merge is possible.
 */
export async function mergeCommits(
  repository: Repository,
  { into, from, subject, since, theirs }: MergeOptions,
): Promise<Merge> {
  const { yes: related, stdout: bases } = await repository.git.ask('merge-base', into, from);
  if (!related) {
    throw new ChooError('conflict', `the commits ${into} and ${from} have no history in common`, {
      hint: 'in a shallow clone, fetch the history that is missing: `git fetch --unshallow`',
    });
  }
  const base = bases.trim();
  if (base === from) return { kind: 'merged', commit: into };
  if (base === into) return { kind: 'merged', commit: from };
  const merge = await mergeTrees(repository, { into, from, since, theirs });
  if (merge.kind === 'conflict') return merge;
  const commit = await repository.commit({ tree: merge.tree, parents: [into, from], subject });
  return { kind: 'merged', commit };
}

/** The tree of a merge, without a commit; see {@link mergeCommits}. Throws a ChooError (`limit`) when a side is too large. */
export async function mergeTrees(
  repository: Repository,
  { into, from, since, theirs }: Omit<MergeOptions, 'subject'>,
): Promise<{ readonly kind: 'merged'; readonly tree: string } | Extract<Merge, { kind: 'conflict' }>> {
  for (const side of [into, from]) await refuseTooLarge(repository.reader, side);
  const sides =
    since === undefined ? [into, from] : await sinceOneCommit(repository, since, { into, from, theirs });
  const options = ['--write-tree', '-z', '--name-only', '--no-messages'];
  const { yes, stdout } = await repository.git.ask('merge-tree', ...options, ...sides);
  const [tree = '', ...files] = stdout.split('\0').filter((part) => part !== '');
  if (yes) return { kind: 'merged', tree };
  const left = files.some(isTaskList)
    ? await mergeTaskLists(repository, { tree, files }, await treesOf(repository, { into, from, since }))
    : { tree, files };
  return left.files.length === 0 ? { kind: 'merged', tree: left.tree } : { kind: 'conflict', ...left };
}

/** The trees of both sides, and of what they are compared with. */
async function treesOf(
  { git, reader }: Repository,
  { into, from, since }: Pick<MergeOptions, 'into' | 'from' | 'since'>,
): Promise<Parameters<typeof mergeTaskLists>[2]> {
  const base = since ?? (await git.run('merge-base', into, from)).trim();
  const [before, own, other] = await Promise.all(
    [base, into, from].map(async (each) => treeOf(reader, each)),
  );
  if (before === undefined || own === undefined || other === undefined)
    throw new ChooError('internal', 'a commit of a merge has no tree');
  return { base: before, own, other };
}

/** Commits with the same trees whose only common ancestor is `since`. (git 2.40 has `--merge-base` for this.) */
async function sinceOneCommit(
  repository: Repository,
  since: string,
  { into, from, theirs }: Pick<MergeOptions, 'into' | 'from' | 'theirs'>,
): Promise<readonly string[]> {
  const { reader } = repository;
  const [root, own, other] = [
    await treeOf(reader, since),
    await treeOf(reader, into),
    await treeOf(reader, from),
  ];
  const kept = theirs === undefined ? undefined : await findTree(reader, root, theirs);
  // As if this side had changed nothing there.
  const side =
    theirs === undefined || kept === undefined
      ? own
      : await replaceFiles(repository, own, new Map([[theirs, kept]]));
  const copy = async (tree: string, parents: readonly string[]): Promise<string> =>
    repository.commit({ tree, parents, subject: 'For a merge' });
  const base = await copy(root, []);
  return Promise.all([side, other].map(async (tree) => copy(tree, [base])));
}
