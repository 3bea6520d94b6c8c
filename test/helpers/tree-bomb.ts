import { execa } from 'execa';

/** A tree of trees, of which a few objects unfold to many files. */
interface Bomb {
  readonly commit: string;
  readonly tree: string;
}

/**
 * Writes trees of `width` entries each, `depth` levels of them, all with one file of so many bytes, or with files that
 * differ. Returns the tree, below `bomb/` of a commit on `on`, or as the whole commit.
 */
export async function makeBomb(
  repository: string,
  options: {
    readonly width: number;
    readonly depth: number;
    readonly bytes?: number;
    readonly differ?: boolean;
    readonly on?: string;
  },
): Promise<Bomb> {
  const { width, depth, bytes = 1, differ = false, on } = options;
  const env = {
    GIT_AUTHOR_NAME: 'tester',
    GIT_AUTHOR_EMAIL: 'tester@localhost',
    GIT_COMMITTER_NAME: 'tester',
    GIT_COMMITTER_EMAIL: 'tester@localhost',
  };
  const git = async (args: readonly string[], input = ''): Promise<string> =>
    (await execa('git', args, { cwd: repository, input, env })).stdout;
  const blob = await git(['hash-object', '-w', '--stdin'], 'x'.repeat(bytes));
  const nameOf = (at: number): string => `f${String(at).padStart(7, '0')}`;
  const idOf = (at: number): string => (differ ? at.toString(16).padStart(blob.length, '0') : blob);
  const numbers = Array.from({ length: width }, (_, at) => at);
  const files = numbers.map((at) => `100644 blob ${idOf(at)}\t${nameOf(at)}\n`).join('');
  let tree = await git(['mktree', '--missing'], files);
  for (let level = 1; level < depth; level += 1)
    tree = await git(['mktree'], numbers.map((at) => `040000 tree ${tree}\t${nameOf(at)}\n`).join(''));
  const below = on === undefined ? '' : await git(['ls-tree', on]);
  const root = on === undefined ? tree : await git(['mktree'], `${below}\n040000 tree ${tree}\tbomb\n`);
  const parents = on === undefined ? [] : ['-p', on];
  const commit = await git(['commit-tree', root, ...parents, '-m', 'Add what unfolds']);
  return { commit, tree: on === undefined ? tree : root };
}
