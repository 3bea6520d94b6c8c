import { randomUUID } from 'node:crypto';
import { chmod, lstat, readdir, rename, rm } from 'node:fs/promises';
import { ChooError } from '../errors.ts';
import { readEntries } from './read-directory.ts';
import { runTool } from './run-program.ts';

/** Directories with a longer path are moved up; Linux refuses paths of more than 4,096 bytes. Bytes. */
const MAX_PATH_BYTES = 3_000;
/** A path may always be this much longer than the root's, however long that is. Bytes. */
const MIN_ROOM_BYTES = 400;

/** A tree with more is removed by a program: Node would keep everything else waiting meanwhile. Entries. */
const MAX_ENTRIES = 1_000;
/** The longest that the program runs; it removes millions of files. Milliseconds. */
const LIMIT_MS = 30 * 60_000;
/** What is left of its time once the signal has aborted. Milliseconds. */
const HURRY_MS = 2_000;

/**
 * Removes a tree even if its directories are write-protected, as in some package caches, or nested deeper than a path
 * can name. Follows no link. Soon after the signal aborts it throws its reason, and leaves the rest of a large tree.
 */
export async function removeTree(path: string | Buffer, signal?: AbortSignal): Promise<void> {
  const remove = async (maxRetries?: number): Promise<void> => {
    if (isLarge(path)) await removeByProgram(path, signal);
    else await rm(path, { recursive: true, force: true, ...(maxRetries !== undefined && { maxRetries }) });
  };
  try {
    await remove();
  } catch {
    signal?.throwIfAborted();
    await unlock(path);
    await remove(3);
  }
}

/** Whether a tree has more than {@link MAX_ENTRIES}, as far as it can be read. */
function isLarge(path: string | Buffer): boolean {
  let count = 0;
  const open = [Buffer.from(path).toString('latin1')];
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    try {
      for (const entry of readEntries(Buffer.from(directory, 'latin1'))) {
        count += 1;
        if (count > MAX_ENTRIES) return true;
        if (entry.isDirectory()) open.push(`${directory}/${entry.name}`);
      }
    } catch {} // no directory, or closed
  }
  return false;
}

async function removeByProgram(path: string | Buffer, signal: AbortSignal | undefined): Promise<void> {
  const ending = new AbortController();
  let hurry: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    hurry = setTimeout(() => ending.abort(), HURRY_MS);
  };
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const isText = Buffer.from(String(path)).equals(Buffer.from(path));
    const { exitCode, output } = await runTool({
      // An argument of Node's is text; standard input may be any bytes.
      argv: isText ? ['rm', '-rf', '--', String(path)] : ['xargs', '-0', 'rm', '-rf', '--'],
      ...(isText ? {} : { input: Buffer.from(path) }),
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      limitMs: LIMIT_MS,
      signal: ending.signal,
    });
    if (exitCode === 0) return;
    if (ending.signal.aborted) signal?.throwIfAborted();
    throw new ChooError('environment', `Could not remove \`${String(path)}\`: ${output.slice(0, 1_000)}`);
  } finally {
    clearTimeout(hurry);
    signal?.removeEventListener('abort', onAbort);
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
