import { statfsSync } from 'node:fs';
import { measureDiskUse } from './disk-use.ts';

/** How much of the free space may be taken, whatever the limit. */
const TAKEN_SHARE = 0.9;
/** Walking through the files may take one part in this many of the time; one in `HURRIED` when the disk gets full. */
const PATIENCE = 50;
const HURRIED = 4;

/** By how much directories grow, from the moment this was made. */
export interface DiskGrowth {
  /** The limit asked for, or what is nearly all that was free. Bytes. */
  readonly limitBytes: number;
  /** Bytes, as far as is known: the files are walked through only now and then. */
  measure(pids: readonly number[]): Promise<number>;
}

/** Costs microseconds until the first `measure`: free space now stands for what the directories held at the start. */
export function diskGrowth(directories: readonly string[], wantedBytes: number): DiskGrowth {
  const free = directories.map(freeBytes);
  const limitBytes = Math.min(wantedBytes, ...free.map((bytes) => Math.floor(bytes * TAKEN_SHARE)));
  let before: number | undefined;
  let growth = 0;
  let walk = { end: -Infinity, cost: 0 };
  return {
    limitBytes,
    async measure(pids) {
      const machine = Math.max(
        ...directories.map((directory, index) => (free[index] ?? 0) - freeBytes(directory)),
      );
      const now = performance.now();
      const rest = walk.cost * (machine > limitBytes ? HURRIED : PATIENCE);
      if (now < walk.end + rest) return growth;
      const enough = (before ?? Infinity) + limitBytes;
      const total = await measureDiskUse({ directories, pids }, (bytes) => bytes > enough);
      walk = { end: performance.now(), cost: performance.now() - now };
      before ??= Math.max(0, total - Math.max(0, machine));
      growth = total - before;
      return growth;
    },
  };
}

function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}
