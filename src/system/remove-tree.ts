import { randomUUID } from 'node:crypto';
import { chmod, lstat, readdir, rename, rm } from 'node:fs/promises';

/** The system refuses paths of more than 4096. Bytes. */
const MAX_PATH_BYTES = 3_000;
/** How much longer than the root's a path may be even where the root's is long already. Bytes. */
const MIN_ROOM_BYTES = 400;

/**
 * Removes a tree even where its directories are write-protected, as some package caches are, or deeper than a path can
 * tell. Follows no link.
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
 * Makes every directory of a tree readable and writable to its owner, and moves those to its root that lie too deep.
 * Changes nothing outside: what is no directory itself, a link for one, stays as it is. Entries may go meanwhile (an `rm`
 * of Node's goes on after it has failed), but nobody else may write.
 */
export async function unlock(path: string | Buffer): Promise<void> {
  // Names need not be text: every byte is kept as one character.
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

/** The directories in a directory. */
async function openDirectory(root: string, directory: string): Promise<readonly string[]> {
  let place = Buffer.from(directory, 'latin1');
  const stats = await lstat(place);
  if (!stats.isDirectory()) return [];
  if ((stats.mode & 0o700) !== 0o700) await chmod(place, (stats.mode & 0o777) | 0o700);
  let name = directory;
  if (name.length > Math.max(MAX_PATH_BYTES, root.length + MIN_ROOM_BYTES)) {
    name = `${root}/.choo-${randomUUID()}`;
    const nearer = Buffer.from(name, 'latin1');
    await rename(place, nearer);
    place = nearer;
  }
  const entries = await readdir(place, { withFileTypes: true, encoding: 'latin1' });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => `${name}/${entry.name}`);
}
