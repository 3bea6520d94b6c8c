import { randomUUID } from 'node:crypto';
import { chmod, lstat, readdir, rename, rm } from 'node:fs/promises';

/** Directories with a longer path are moved up; Linux refuses paths of more than 4,096 bytes. Bytes. */
const MAX_PATH_BYTES = 3_000;
/** A path may always be this much longer than the root's, however long that is. Bytes. */
const MIN_ROOM_BYTES = 400;

/**
 * Removes a tree even if its directories are write-protected, as in some package caches, or nested deeper than a path
 * can name. Follows no link.
 */
export async function removeTree(path: string | Buffer): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await unlock(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * Makes every directory of a tree readable and writable for its owner, and moves directories nested too deep to its
 * root. Changes only directories, so a link leads to no change outside. Entries may disappear meanwhile (Node's `rm`
 * continues after it has failed), but no other process may write.
 */
export async function unlock(path: string | Buffer): Promise<void> {
  // Names need not be UTF-8: each byte becomes one character.
  const root = Buffer.from(path).toString('latin1');
  const open = [root];
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    try {
      open.push(...(await openDirectory(root, directory)));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}

/** Unlocks one directory and returns the directories in it. */
async function openDirectory(root: string, directory: string): Promise<readonly string[]> {
  let path = Buffer.from(directory, 'latin1');
  const stats = await lstat(path);
  if (!stats.isDirectory()) return [];
  if ((stats.mode & 0o700) !== 0o700) await chmod(path, (stats.mode & 0o777) | 0o700);
  let name = directory;
  if (name.length > Math.max(MAX_PATH_BYTES, root.length + MIN_ROOM_BYTES)) {
    name = `${root}/.choo-${randomUUID()}`;
    const nearer = Buffer.from(name, 'latin1');
    await rename(path, nearer);
    path = nearer;
  }
  const entries = await readdir(path, { withFileTypes: true, encoding: 'latin1' });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => `${name}/${entry.name}`);
}
