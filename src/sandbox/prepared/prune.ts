import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '../../system/files.ts';
import { removeTree } from '../../system/remove-tree.ts';
import {
  DRAFT,
  GONE,
  liveOwner,
  listSnapshots,
  lockKey,
  removeUnused,
  type Snapshot,
  USES,
} from './snapshots.ts';

interface Limits {
  /** For the snapshots of all directories together. Bytes. */
  readonly maxBytes: number;
  /** Milliseconds. */
  readonly maxAgeMs: number;
  /** The key whose lock the caller may hold: its snapshots stay. */
  readonly mine?: string | undefined;
}

/**
 * Removes from directories of snapshots what a dead process left half done, what is too old or was made again since, and, while
 * there is too much in all of them together, what was not used for longest. Nothing that is used goes.
 */
export async function prune(
  directories: readonly string[],
  { maxBytes, maxAgeMs, mine }: Limits,
): Promise<void> {
  const all = (await Promise.all(directories.map(async (directory) => look(directory)))).flat();
  let total = 0;
  for (const { directory, snapshot, bytes, isOld } of all.sort((a, b) => b.usedAt - a.usedAt)) {
    total += bytes;
    if (!isOld && total <= maxBytes && Date.now() - snapshot.takenAt < maxAgeMs) continue;
    if (snapshot.key === mine) continue;
    await using held = await lockKey(directory, snapshot.key);
    if (held !== undefined && (await removeUnused(directory, snapshot))) total -= bytes;
  }
}

interface Found {
  readonly directory: string;
  readonly snapshot: Snapshot;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly usedAt: number;
  /** There is a newer one of its key. */
  readonly isOld: boolean;
}

/** The snapshots of a directory, once what dead processes left there is gone. */
async function look(directory: string): Promise<readonly Found[]> {
  if (!(await exists(join(directory, USES)))) return [];
  await removeHalfDone(directory);
  const keys = new Set<string>();
  const found: Found[] = [];
  for (const snapshot of await listSnapshots(directory)) {
    const path = join(directory, snapshot.name);
    const bytes = Number(await readFile(join(path, 'bytes'), 'utf8').catch(() => 0));
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined) continue; // removed meanwhile
    found.push({ directory, snapshot, bytes, usedAt: stats.mtimeMs, isOld: keys.has(snapshot.key) });
    keys.add(snapshot.key);
  }
  return found;
}

async function removeHalfDone(directory: string): Promise<void> {
  const uses = join(directory, USES);
  for (const mark of await readdir(uses)) {
    const text = await readFile(join(uses, mark), 'utf8').catch(() => '');
    if ((await liveOwner(text)) === undefined) await rm(join(uses, mark), { force: true });
  }
  for (const name of await readdir(directory)) {
    if (name.startsWith(GONE)) await removeTree(join(directory, name));
    if (!name.startsWith(DRAFT)) continue;
    await using held = await lockKey(directory, name.slice(DRAFT.length));
    if (held !== undefined) await removeTree(join(directory, name));
  }
}
