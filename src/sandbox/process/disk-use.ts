import { type Dir, lstatSync, opendirSync, type Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';

/** The unit of `Stats.blocks` on every file system. Bytes. */
const BLOCK_BYTES = 512;
/** The least that a file counts, even an empty one: the file system has a limited number of inodes. Bytes. */
const MIN_FILE_BYTES = 4096;
/** How long other work is kept waiting at a time. Milliseconds. */
const MAX_PAUSE_MS = 5;
/** Files with several names that are remembered, to count each once. */
const MAX_REMEMBERED_FILES = 100_000;

/**
 * Measures what directories take on disk, plus deleted files there that these processes hold open. Follows no link.
 * Files that appear or disappear meanwhile may be missed. Stops early, with the sum so far, when `isEnough` returns true.
 * Asks for one file after the other, in this thread: asking for several at once costs six times the processor time, which the
 * command under watch then misses.
 */
export async function measureDiskUse(
  { directories, pids }: { readonly directories: readonly string[]; readonly pids: readonly number[] },
  isEnough: (bytes: number) => boolean,
): Promise<number> {
  let bytes = 0;
  const seen = new Set<string>();
  const count = (stats: Stats): void => {
    if (stats.nlink !== 1 && !stats.isDirectory()) {
      const id = `${stats.dev}:${stats.ino}`;
      if (seen.has(id)) return;
      if (seen.size < MAX_REMEMBERED_FILES) seen.add(id);
    }
    bytes += Math.max(stats.blocks * BLOCK_BYTES, MIN_FILE_BYTES);
  };

  let resumed = performance.now();
  // Names need not be UTF-8: each byte is one character.
  const waiting = directories.map((path) => Buffer.from(path).toString('latin1'));
  for (let path = waiting.pop(); path !== undefined && !isEnough(bytes); path = waiting.pop()) {
    for (const name of namesIn(path)) {
      const entry = `${path}/${name}`;
      const stats = tryLstat(entry);
      if (stats === undefined) continue;
      count(stats);
      if (stats.isDirectory()) waiting.push(entry);
      if (performance.now() - resumed < MAX_PAUSE_MS) continue;
      if (isEnough(bytes)) break;
      await immediate();
      resumed = performance.now();
    }
  }

  const devices = new Set((await Promise.all(directories.map(tryStat))).map((stats) => stats?.dev));
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    for (const descriptor of await readdir(folder).catch(() => [])) {
      const stats = await tryStat(join(folder, descriptor));
      if (stats?.isFile() && stats.nlink === 0 && devices.has(stats.dev)) count(stats);
    }
  }
  return bytes;
}

async function tryStat(path: string): Promise<Stats | undefined> {
  return await stat(path).catch(() => undefined);
}

/** The names in a directory, one at a time: there may be millions. */
function* namesIn(path: string): Generator<string> {
  let listing: Dir;
  try {
    listing = opendirSync(Buffer.from(path, 'latin1'), { encoding: 'latin1', bufferSize: 256 });
  } catch {
    return; // it is gone, or closed
  }
  try {
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) yield entry.name;
  } catch {
    // removed meanwhile
  } finally {
    listing.closeSync();
  }
}

function tryLstat(path: string): Stats | undefined {
  try {
    return lstatSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
