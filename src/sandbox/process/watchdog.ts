import { totalmem } from 'node:os';
import { inspectAll, type ProcessInfo } from '../../system/process-tree.ts';
import type { ControlGroup } from './control-groups.ts';
import { diskGrowth } from './disk-growth.ts';
import type { Watch } from './runner.ts';
import { measureFileMemory, sharedMemoryOfMachine } from './shared-memory.ts';

/** The disk and memory that one command may use. Bytes, except `checkMs`. */
export interface SpaceLimits {
  /** Growth of the worktree and the other writable directories; never more than 90 % of the free space. */
  readonly diskBytes: number;
  /**
   * In a control group everything in memory, that of `/tmp` included. Otherwise resident memory of all its processes together,
   * where shared memory counts once per process, and files without a directory.
   */
  readonly memoryBytes: number;
  /** The largest file. */
  readonly fileBytes: number;
  /** The size of /tmp inside bubblewrap: without a control group memory in addition to `memoryBytes`. */
  readonly temporaryBytes: number;
  /** Check interval, also before the first check. Milliseconds. */
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

/** Reading the process table may take 1/50 of the time. */
const SCAN_SHARE = 50;
/** The size of a memory page. A machine with larger pages reaches the limit late. Bytes. */
const PAGE_BYTES = 4096;

/** What the watchdog measures of one command. */
export interface Watched {
  readonly directories: readonly string[];
  /** Selects the command's processes from all processes. */
  readonly processes: (all: readonly ProcessInfo[], leader: number) => readonly ProcessInfo[];
  /** Where the kernel limits its memory; the watch then only asks whether it did. */
  readonly group?: ControlGroup | undefined;
}

/**
 * Creates watches that end a command when it uses too much disk or memory. A command shorter than `checkMs` costs
 * nothing. All watches share one process table, so that many concurrent commands do not read it many times.
 */
export function openWatchdog(limits: SpaceLimits): (watched: Watched) => Watch {
  let table: readonly ProcessInfo[] = [];
  let read = { end: -Infinity, cost: 0 };
  const readTable = (): readonly ProcessInfo[] => {
    const now = performance.now();
    if (now < read.end + Math.max(limits.checkMs / 2, read.cost * SCAN_SHARE)) return table;
    table = inspectAll();
    read = { end: performance.now(), cost: performance.now() - now };
    return table;
  };

  return ({ directories, processes, group }) =>
    (leader, end) => {
      const sharedBefore = group === undefined ? sharedMemoryOfMachine() : 0;
      /** Looks for memory that is in no process only when the machine has so much more of it. */
      const isOverMemory = (own: readonly ProcessInfo[]): boolean => {
        if (group !== undefined) return group.isOverMemory();
        const bytes = own.reduce((sum, { residentPages }) => sum + residentPages * PAGE_BYTES, 0);
        if (bytes > limits.memoryBytes) return true;
        if (bytes + sharedMemoryOfMachine() - sharedBefore <= limits.memoryBytes) return false;
        return bytes + measureFileMemory(own.map(({ pid }) => pid)) > limits.memoryBytes;
      };
      const growth = diskGrowth(directories, limits.diskBytes);
      const over = new AbortController();
      let measuring = false;
      const checkDisk = async (pids: readonly number[]): Promise<void> => {
        if (measuring) return;
        measuring = true;
        const bytes = await growth.measure(pids, over.signal);
        measuring = false;
        const { limitBytes } = growth;
        if (bytes > limitBytes) end({ kind: 'over-limit', what: 'disk', limitBytes });
      };
      const timer = setInterval(() => {
        const own = processes(readTable(), leader);
        const { memoryBytes } = limits;
        if (isOverMemory(own)) end({ kind: 'over-limit', what: 'memory', limitBytes: memoryBytes });
        void checkDisk(own.map(({ pid }) => pid)).catch(() => {}); // the command is over
      }, limits.checkMs);
      return {
        [Symbol.dispose]: () => {
          clearInterval(timer);
          over.abort();
        },
      };
    };
}
