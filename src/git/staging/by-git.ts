import { rm, writeFile } from 'node:fs/promises';
import { unlock } from '../../system/remove-tree.ts';
import type { Git } from '../git.ts';
import { listTops } from '../objects/path-list.ts';

/** Undoes every change since the index was written, except in ignored files. Returns the paths. */
export async function discardByGit(git: Git): Promise<readonly string[]> {
  const options = ['-z', '--modified', '--deleted', '--others', '--exclude-standard'];
  const listed = await git.run('ls-files', ...options);
  if (listed === '') return [];
  await restoring(git, async () => {
    await git.run('checkout-index', '--force', '--all', '--index', '--quiet');
    // Not by the list: an ignore file may have been changed to hide something from it.
    await git.run('clean', '--force', '--force', '-d', '--quiet');
  });
  return [...new Set(listed.split('\0').slice(0, -1))];
}

/** Restores paths from a tree, in the worktree and in the index. `list` is a file for the paths, removed afterwards. */
export async function restoreByGit(
  git: Git,
  { tree, paths, list }: { readonly tree: string; readonly paths: readonly string[]; readonly list: string },
): Promise<void> {
  await writeFile(list, listTops(paths));
  const from = [`--pathspec-from-file=${list}`, '--pathspec-file-nul'];
  try {
    await restoring(git, async () =>
      git.run('restore', `--source=${tree}`, '--staged', '--worktree', '--quiet', ...from),
    );
  } finally {
    await rm(list, { force: true });
  }
}

/** Runs a restore, and once more with every directory unlocked when it fails. */
async function restoring(git: Git, restore: () => Promise<unknown>): Promise<void> {
  try {
    await restore();
  } catch {
    await unlock(git.directory);
    await restore();
  }
}
