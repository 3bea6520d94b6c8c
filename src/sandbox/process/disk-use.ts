import type { Stats } from 'node:fs';
import { lstat, opendir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The unit of `Stats.blocks` on every file system. Bytes. */
const BLOCK_BYTES = 512;
/** The least that a file counts, even an empty one: the file system has a limited number of inodes. Bytes. */
const MIN_FILE_BYTES = 4096;
/** Concurrent `lstat` calls. */
const MAX_CONCURRENT_STATS = 16;
/** Files with several names that are remembered, to count each once. */
const MAX_REMEMBERED_FILES = 100_000;

/**
 * Measures what directories take on disk, plus deleted files there that these processes hold open. Follows no link.
 * Files that appear or disappear meanwhile may be missed. Stops early, with the sum so far, when `isEnough` returns true.
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

  const waiting = [...directories];
  for (let path = waiting.pop(); path !== undefined && !isEnough(bytes); path = waiting.pop()) {
    const batch: Promise<void>[] = [];
    const measure = async (entry: string): Promise<void> => {
      const stats = await lstat(entry).catch(() => undefined);
      if (stats === undefined) return;
      count(stats);
      if (stats.isDirectory()) waiting.push(entry);
    };
    const listing = await opendir(path, { bufferSize: 256 }).catch(() => undefined);
    if (listing === undefined) continue;
    for await (const entry of listing) {
      batch.push(measure(join(path, entry.name)));
      if (batch.length >= MAX_CONCURRENT_STATS) await Promise.all(batch.splice(0));
      if (isEnough(bytes)) break;
    }
    await Promise.all(batch);
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
