import { accessSync, constants, type Dirent, readdirSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { setImmediate as immediate } from 'node:timers/promises';
import { isLargeDirectory, readEntries } from '../../system/read-directory.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { isGitName } from '../objects/git-name.ts';

/** How long a walk may keep other work waiting. Milliseconds. */
const MAX_PAUSE_MS = 5;

/** Longer paths are removed: git, started in a directory near the end, could open what choo cannot. Bytes. */
export const MAX_PATH_BYTES = 3_000;

/**
 * Removes from a worktree what could make choo's git run programs or wait for ever: every entry that git, here or on
 * another system, treats as `.git`, except the worktree's own; everything that is no file, directory or link (git opens
 * a pipe called `.gitignore` and waits); and directories too deep to read. Unlocks closed directories. Returns the
 * removed paths. Follows no link. Linear in the number of entries, ignored ones included.
 */
export async function removeNestedRepositories(worktree: string): Promise<readonly string[]> {
  const removed: string[] = [];
  // Names need not be UTF-8: each byte becomes one character.
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
  let resumed = performance.now();
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    const refused: string[] = [];
    for (const entry of entriesOf(await opened(Buffer.from(root + directory, 'latin1')))) {
      if (performance.now() - resumed > MAX_PAUSE_MS) {
        await immediate(); // lets other work run
        resumed = performance.now();
      }
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (path === '.git') continue;
      const plain = entry.isFile() || entry.isDirectory() || entry.isSymbolicLink();
      const tooDeep = entry.isDirectory() && root.length + path.length > MAX_PATH_BYTES;
      if (!plain || tooDeep || isGitName(Buffer.from(entry.name, 'latin1').toString())) refused.push(path);
      else if (entry.isDirectory()) open.push(path);
    }
    for (const path of refused) await remove(directory, path);
  }
  return removed.sort();
}

/** Reads synchronously, at a tenth of the cost of an asynchronous read per directory. */
function entriesOf(directory: Buffer): Iterable<Dirent> {
  if (isLargeDirectory(directory)) return readEntries(directory);
  return readdirSync(directory, { withFileTypes: true, encoding: 'latin1' });
}

/** Unlocks a directory if it is closed. */
async function opened(directory: Buffer): Promise<Buffer> {
  try {
    accessSync(directory, constants.R_OK | constants.X_OK);
  } catch {
    await chmod(directory, 0o755);
  }
  return directory;
}
