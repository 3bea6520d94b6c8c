import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { listProcesses } from '../../system/process-tree.ts';

/** The most processes and threads of one command. */
export const MAX_PROCESSES = 512;
const MAX_OPEN_FILES = 16_384;
/** The oldest usable count of the user's processes; the limit above leaves a wide margin. Milliseconds. */
const MAX_COUNT_AGE_MS = 1_000;
/** The column width of a limit's name in `/proc/self/limits`. */
const NAME_COLUMNS = 26;

/**
 * Returns the options of `prlimit` for a user's command. The kernel limits a user's processes on the whole machine, so
 * the running ones are counted and added. There is no such limit for memory: see the watchdog.
 */
export function userLimits(
  uid: number,
): (execution: { totalMs: number; fileBytes: number }) => readonly string[] {
  const ceilings = readCeilings();
  let counted = { at: -Infinity, processes: 0 };
  const limit = (name: string, option: string, wanted: number): string =>
    `--${option}=${Math.min(wanted, ceilings.get(name) ?? Infinity)}`;
  return ({ totalMs, fileBytes }) => {
    if (performance.now() - counted.at > MAX_COUNT_AGE_MS) {
      counted = { at: performance.now(), processes: countProcesses(uid) };
    }
    // A backstop in case choo is gone: for one process, the time limit on all processors.
    const cpuSeconds = Math.ceil((totalMs / 1_000) * availableParallelism()) + 10;
    return [
      limit('Max processes', 'nproc', counted.processes + MAX_PROCESSES),
      limit('Max open files', 'nofile', MAX_OPEN_FILES),
      limit('Max file size', 'fsize', fileBytes),
      limit('Max cpu time', 'cpu', cpuSeconds),
      '--core=0',
    ];
  };
}

/** This process's own hard limits, which only root can raise. */
function readCeilings(): ReadonlyMap<string, number> {
  try {
    const lines = readFileSync('/proc/self/limits', 'latin1').split('\n').slice(1);
    return new Map(
      lines.flatMap((line) => {
        const hard = line.slice(NAME_COLUMNS).trimStart().split(/ +/)[1] ?? '';
        return /^\d+$/.test(hard) ? [[line.slice(0, NAME_COLUMNS).trimEnd(), Number(hard)]] : [];
      }),
    );
  } catch {
    return new Map();
  }
}

/** The processes and threads of a user. */
function countProcesses(uid: number): number {
  let count = 0;
  for (const pid of listProcesses()) {
    const path = `/proc/${pid}`;
    try {
      if (statSync(path).uid !== uid) continue;
      count += Number(/^Threads:\s*(\d+)$/m.exec(readFileSync(`${path}/status`, 'latin1'))?.[1] ?? 1);
    } catch {} // it has ended
  }
  return count;
}
