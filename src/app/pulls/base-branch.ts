import { ChooError } from '../../errors.ts';
import { isAncestor } from '../../git/ancestry.ts';
import { mergeCommits } from '../../git/merge.ts';
import { parseCommit } from '../../git/objects/commit.ts';
import { treeOf } from '../../git/objects/tree-object.ts';
import type { Repository } from '../../git/repository.ts';
import type { StackWay } from '../repository/stack-way.ts';

/**
 * The base of a unit that was built on several dependencies is a branch of choo's. Its *core* is the merge of their heads that
 * the unit's work stands on. Its tip is an empty commit on top of the core, which asks CI not to run: nothing is ever built on
 * it, so no pull request brings that request into a target.
 */

const TIP = 'Base of a pull request; nothing is built on this commit';

/** The core of a base branch, by its tip. Undefined: choo did not make the tip. */
export async function coreOf({ reader }: Repository, tip: string): Promise<string | undefined> {
  const [content] = await reader.contents([tip]);
  const core = content === undefined ? undefined : parseCommit(content).parents[0];
  return core !== undefined && (await treeOf(reader, core)) === (await treeOf(reader, tip))
    ? core
    : undefined;
}

/**
 * Makes the tip of a base branch for a core. It descends from the old tip, so that the branch only moves forward; not by
 * `rebase`, where it has no merge commit.
 */
export async function makeTip(
  repository: Repository,
  core: string,
  { before, way }: { readonly before: string | undefined; readonly way: StackWay },
): Promise<string> {
  const tree = await treeOf(repository.reader, core);
  const isForward = way === 'merge' && before !== undefined && !(await isAncestor(repository, before, core));
  const parents = isForward ? [core, before] : [core];
  return repository.commit({ tree, parents, subject: TIP, skipsCi: true });
}

/**
 * The merge of the target, which comes first, and the heads of open dependencies, on top of the old core; by `rebase` one commit
 * on the target. Undefined: they conflict.
 */
export async function moveCore(
  repository: Repository,
  { core, heads, way }: { readonly core: string; readonly heads: readonly string[]; readonly way: StackWay },
): Promise<string | undefined> {
  const [first, ...rest] = heads;
  if (first === undefined) throw new ChooError('internal', 'a base without dependencies');
  let merged = first;
  for (const head of rest) {
    const merge = await mergeCommits(repository, { into: merged, from: head, subject: 'Merge dependencies' });
    if (merge.kind === 'conflict') return undefined;
    merged = merge.commit;
  }
  const tree = await treeOf(repository.reader, merged);
  const subject = 'Bring the dependencies up to date';
  return repository.commit({ tree, parents: way === 'rebase' ? [first] : [core, merged], subject });
}
