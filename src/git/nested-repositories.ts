import { type Dirent, readdirSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { setImmediate as immediate } from 'node:timers/promises';
import { removeTree } from '../system/remove-tree.ts';
import { isGitName } from './forbidden.ts';

/** A longer path is nobody's honest work: git could open it where choo cannot, from a directory nearer to it. Bytes. */
const MAX_PATH_BYTES = 3_000;

/**
 * Removes from a worktree what could make choo's git run programs or wait for ever: everything that git, here or on
 * another system, takes for a `.git`, except the worktree's own; what is neither file, directory nor link (git opens a
 * pipe called `.gitignore` and waits); and directories too deep to be looked at. Directories that are closed are opened.
 * Returns the paths, and follows no link. Linear in the number of entries, whether git ignores them or not.
 */
export async function removeNestedRepositories(worktree: string): Promise<readonly string[]> {
  const removed: string[] = [];
  // Names need not be text: every byte is kept as one character.
  const root = `${Buffer.from(worktree).toString('latin1')}/`;
  const remove = async (directory: string, path: string): Promise<void> => {
    const bytes = Buffer.from(root + path, 'latin1');
    await removeTree(bytes).catch(async () => {
      await chmod(Buffer.from(root + directory, 'latin1'), 0o755);
      await removeTree(bytes);
    });
    removed.push(Buffer.from(path, 'latin1').toString());
  };
  const open = [''];
  let seen = 0;
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    seen += 1;
    if (seen % 100 === 0) await immediate(); // others want to go on, too
    for (const entry of await entriesOf(Buffer.from(root + directory, 'latin1'))) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (path === '.git') continue;
      const plain = entry.isFile() || entry.isDirectory() || entry.isSymbolicLink();
      const tooDeep = entry.isDirectory() && root.length + path.length > MAX_PATH_BYTES;
      if (!plain || tooDeep || isGitName(Buffer.from(entry.name, 'latin1').toString())) {
        await remove(directory, path);
      } else if (entry.isDirectory()) {
        open.push(path);
      }
    }
  }
  return removed.sort();
}

/** Read at once: a tenth of what it costs to ask for each directory and wait. */
async function entriesOf(directory: Buffer): Promise<readonly Dirent[]> {
  const options = { withFileTypes: true, encoding: 'latin1' } as const;
  try {
    return readdirSync(directory, options);
  } catch {
    await chmod(directory, 0o755);
    return readdirSync(directory, options);
  }
}
