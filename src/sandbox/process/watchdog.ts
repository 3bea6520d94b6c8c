import { totalmem } from 'node:os';
import { inspectAll, type ProcessInfo } from '../../system/process-tree.ts';
import { diskGrowth } from './disk-growth.ts';
import type { Watch } from './runner.ts';

/** What one command may take. Bytes, but for the last. */
export interface SpaceLimits {
  /** By how much the worktree and the other writable directories may grow; never by more than is nearly free. */
  readonly diskBytes: number;
  /** What its processes together may hold in memory; what they share counts for each. */
  readonly memoryBytes: number;
  /** The largest file. */
  readonly fileBytes: number;
  /** The size of /tmp inside bubblewrap. It is memory too, and comes on top. */
  readonly temporaryBytes: number;
  /** How often it is looked at; the first time after as long. Milliseconds. */
  readonly checkMs: number;
}

const GIB = 1024 ** 3;

export const DEFAULT_LIMITS: SpaceLimits = {
  diskBytes: 10 * GIB,
  memoryBytes: Math.max(2 * GIB, Math.floor(totalmem() * 0.75)),
  fileBytes: 4 * GIB,
  temporaryBytes: Math.min(4 * GIB, Math.floor(totalmem() / 4)),
  checkMs: 1_000,
};

/** Reading the table of processes may take one part in this many of the time. */
const PATIENCE = 50;
/** The size of a page of memory. A machine with larger ones reaches the limit late. Bytes. */
const PAGE_BYTES = 4096;

/** What is watched of one command. */
export interface Watched {
  readonly directories: readonly string[];
  /** Its processes, out of all. */
  readonly processes: (all: readonly ProcessInfo[], leader: number) => readonly ProcessInfo[];
}

/**
 * Makes watches that end a command when it takes too much. A command shorter than `checkMs` pays nothing. All watches
 * of one watchdog share the table of processes, so that many commands at once do not read it many times.
 */
export function openWatchdog(limits: SpaceLimits): (watched: Watched) => Watch {
  let table: readonly ProcessInfo[] = [];
  let read = { end: -Infinity, cost: 0 };
  const readTable = (): readonly ProcessInfo[] => {
    const now = performance.now();
    if (now < read.end + Math.max(limits.checkMs / 2, read.cost * PATIENCE)) return table;
    table = inspectAll();
    read = { end: performance.now(), cost: performance.now() - now };
    return table;
  };

  return ({ directories, processes }) =>
    (leader, end) => {
      const growth = diskGrowth(directories, limits.diskBytes);
      let measuring = false;
      const lookAtDisk = async (pids: readonly number[]): Promise<void> => {
        if (measuring) return;
        measuring = true;
        const bytes = await growth.measure(pids);
        measuring = false;
        const { limitBytes } = growth;
        if (bytes > limitBytes) end({ kind: 'over-limit', what: 'disk', limitBytes });
      };
      const timer = setInterval(() => {
        const own = processes(readTable(), leader);
        const bytes = own.reduce((sum, { residentPages }) => sum + residentPages * PAGE_BYTES, 0);
        const { memoryBytes } = limits;
        if (bytes > memoryBytes) end({ kind: 'over-limit', what: 'memory', limitBytes: memoryBytes });
        void lookAtDisk(own.map(({ pid }) => pid));
      }, limits.checkMs);
      return { [Symbol.dispose]: () => clearInterval(timer) };
    };
}
