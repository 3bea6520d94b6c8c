import { statfsSync } from 'node:fs';
import { measureDiskUse } from './disk-use.ts';

/** The share of the free space that a command may use, whatever its limit. */
const MAX_FREE_SHARE = 0.9;
/** Measuring may take 1/50 of the time; 1/4 (`FULL_DISK_WALK_SHARE`) when the disk gets full. */
const WALK_SHARE = 50;
const FULL_DISK_WALK_SHARE = 4;

/** Measures how much directories have grown since this was created. */
export interface DiskGrowth {
  /** The requested limit, or 90 % of the space that was free if that is less. Bytes. */
  readonly limitBytes: number;
  /** Bytes at the last measurement: the files are walked only now and then. Rejects only with the reason of the signal. */
  measure(pids: readonly number[], signal?: AbortSignal): Promise<number>;
}

/** Costs microseconds until the first `measure`, which derives the initial size from the free space noted here. */
export function diskGrowth(directories: readonly string[], wantedBytes: number): DiskGrowth {
  const free = directories.map(freeBytes);
  const limitBytes = Math.min(wantedBytes, ...free.map((bytes) => Math.floor(bytes * MAX_FREE_SHARE)));
  let before: number | undefined;
  let growth = 0;
  let walk = { end: -Infinity, cost: 0 };
  return {
    limitBytes,
    async measure(pids, signal) {
      const freeSpaceDrop = Math.max(
        ...directories.map((directory, index) => (free[index] ?? 0) - freeBytes(directory)),
      );
      const now = performance.now();
      const rest = walk.cost * (freeSpaceDrop > limitBytes ? FULL_DISK_WALK_SHARE : WALK_SHARE);
      if (now < walk.end + rest) return growth;
      const enough = (before ?? Infinity) + limitBytes;
      const { bytes, costMs } = await measureDiskUse({ directories, pids, enough }, signal);
      walk = { end: performance.now(), cost: costMs };
      before ??= Math.max(0, bytes - Math.max(0, freeSpaceDrop));
      growth = bytes - before;
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
