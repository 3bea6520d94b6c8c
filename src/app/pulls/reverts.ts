import { LRUCache } from 'lru-cache';
import { parseCommit } from '../../git/objects/commit.ts';
import { diffTrees, treeOf } from '../../git/objects/tree-object.ts';
import type { Repository } from '../../git/repository.ts';
import { type ChangeEnds, findUnequalFiles } from '../../git/same-change.ts';

/** How a unit's work came into a branch. */
export interface MergedWork {
  /** The commit that merged it, or the last of those that a rebase made. */
  readonly merge: string;
  /** The head that was merged, and the commit that its work began at. */
  readonly head: string;
  readonly base: string;
}

/** The later commits that are compared with a merge, and the commits that a rebase may have made. */
const MAX_LATER = 100;
const MAX_REBASED = 200;
/** Commits never change, so each merge is compared with each head of a branch once. */
const known = new LRUCache<string, string | false>({ max: 5_000 });
/** What merges changed, by their commits. */
const changes = new LRUCache<string, MergedChange>({ max: 500 });

/** What a merge changed; `from`: the commit before it. */
interface MergedChange {
  readonly from: string | undefined;
  readonly files: ReadonlySet<string>;
}

/**
 * Finds the commit of a branch that took merged work back exactly, file by file: what it changes in the files of the merge is the
 * opposite of what the merge changed there. Undefined: there is none, or a later one brought the same back. Looks at the first
 * parents of the branch's head only, and at the newest hundred that touch the work.
 */
export async function findRevert(
  repository: Repository,
  work: MergedWork,
  branchHead: string,
): Promise<string | undefined> {
  const key = `${work.merge} ${branchHead}`;
  const before = known.get(key);
  if (before !== undefined) return before === false ? undefined : before;
  const found = await findTakenBack(repository, work, branchHead);
  known.set(key, found ?? false);
  return found;
}

async function findTakenBack(
  repository: Repository,
  work: MergedWork,
  branchHead: string,
): Promise<string | undefined> {
  const { git, reader } = repository;
  const merged = changes.get(work.merge) ?? (await readChange(repository, work));
  changes.set(work.merge, merged);
  const { from, files } = merged;
  const [file] = files;
  if (from === undefined || file === undefined) return undefined;
  const merge: ChangeEnds = { from, to: work.merge };
  // What takes all of it back touches any one of its files.
  const options = ['--first-parent', `--max-count=${MAX_LATER}`];
  const range = [`${work.merge}..${branchHead}`, '--', file];
  for (const commit of linesOf(await git.run('rev-list', ...options, ...range))) {
    const [content] = await reader.contents([commit]);
    const parent = content === undefined ? undefined : parseCommit(content).parents[0];
    if (parent === undefined) continue;
    const is = async (change: ChangeEnds): Promise<boolean> => {
      const unequal = await findUnequalFiles(repository, change, { from: parent, to: commit });
      return !unequal.some((path) => files.has(path));
    };
    if (await is({ from: merge.to, to: merge.from })) return commit;
    if (await is(merge)) return undefined;
  }
  return undefined;
}

async function readChange(repository: Repository, work: MergedWork): Promise<MergedChange> {
  const { reader } = repository;
  const from = await findBefore(repository, work);
  if (from === undefined) return { from, files: new Set() };
  const found = await diffTrees(reader, await treeOf(reader, from), await treeOf(reader, work.merge));
  return { from, files: new Set(found.map(({ path }) => path)) };
}

/** The commit before a merge; for a rebase, before the first commit that has author, time and subject of one of the unit's. */
async function findBefore(
  { git, reader }: Repository,
  { merge, head, base }: MergedWork,
): Promise<string | undefined> {
  const [isHeadThere, isBaseThere] = await reader.info([head, base]);
  const format = '--format=%P%x00%an %ae %at %s';
  const read = async (...args: readonly string[]): Promise<readonly LoggedCommit[]> =>
    linesOf(await git.run('log', `--max-count=${MAX_REBASED}`, format, ...args)).map((line) => {
      const [parents = '', name = ''] = line.split('\0');
      return { parents: parents === '' ? [] : parents.split(' '), name };
    });
  const work = isHeadThere && isBaseThere ? await read('--no-merges', head, `^${base}`) : [];
  const own = new Set(work.map(({ name }) => name));
  const [last, ...earlier] = await read('--first-parent', merge);
  if (last === undefined || last.parents.length > 1 || !own.has(last.name)) return last?.parents[0];
  const first = earlier.findIndex(({ name, parents }) => parents.length > 1 || !own.has(name));
  return [last, ...earlier].at(first)?.parents[0];
}

interface LoggedCommit {
  readonly parents: readonly string[];
  /** Its author, time and subject, which a rebase keeps. */
  readonly name: string;
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
