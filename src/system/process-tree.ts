import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Linux only; elsewhere it is missing, and every result is empty. */
const PROC = '/proc';

/** The environment variable that holds the owner mark of a process. */
export const OWNER_VARIABLE = 'CHOO_OWNER';

/** A mark for one command. Every process with it is ended with the command, so each mark is unique. */
export function newMark(owner: string): string {
  return `${owner}/${randomUUID()}`;
}

/** Wait for processes to be gone after SIGKILL; one that waits for a broken disk takes longer. Milliseconds. */
const KILL_TIMEOUT_MS = 5_000;

/** One row of the process table. */
export interface ProcessInfo {
  readonly pid: number;
  /** The program's name, which a process can set itself. */
  readonly name: string;
  readonly parent: number;
  readonly group: number;
  /** Start time since boot: together with the id, distinguishes it from a later process with the same id. */
  readonly startTime: string;
  /** Resident memory. Pages. */
  readonly residentPages: number;
}

/** The ids of the processes that choo can see. */
export function listProcesses(): readonly number[] {
  try {
    return readdirSync(PROC).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Reads a living process; undefined when it is missing or a zombie. */
export function inspect(pid: number): ProcessInfo | undefined {
  const stat = readProcess(pid, 'stat');
  // The name in brackets is free text. State, parent and group follow; the start time is field 22, memory field 24.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group] = fields;
  const [startTime, residentPages] = [fields[19], fields[21]];
  if (state === 'Z' || state === 'X' || startTime === undefined) return undefined;
  return {
    pid,
    name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    parent: Number(parent),
    group: Number(group),
    startTime,
    residentPages: Number(residentPages),
  };
}

/** Reads all living processes. Costs 20 µs each. */
export function inspectAll(): readonly ProcessInfo[] {
  return listProcesses()
    .map(inspect)
    .filter((process) => process !== undefined);
}

/** A process and all its descendants. */
export function descendants(all: readonly ProcessInfo[], ancestor: number): readonly ProcessInfo[] {
  const children = Map.groupBy(all, ({ parent }) => parent);
  const found = all.filter(({ pid }) => pid === ancestor);
  for (const { pid } of found) found.push(...(children.get(pid) ?? [])); // the loop also visits what it appends
  return found;
}

/** Reads a file below `/proc/<pid>`. Empty when the process ended, is a zombie or belongs to another user. */
function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`${PROC}/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Whether a single-threaded process has children, zombies included. True when the kernel does not list children. */
export function hasChildren(pid: number): boolean {
  const children = readProcess(pid, `task/${pid}/children`);
  return (
    children !== '' || (inspect(pid) !== undefined && !existsSync(`${PROC}/${pid}/task/${pid}/children`))
  );
}

/** Whether a living process has the mark of this owner or of one of its commands. */
export function isMarked(pid: number, owner: string): boolean {
  const environment = `\0${readProcess(pid, 'environ')}\0`;
  return [`${OWNER_VARIABLE}=${owner}\0`, `${OWNER_VARIABLE}=${owner}/`].some((mark) =>
    environment.includes(`\0${mark}`),
  );
}

/** How many processes and threads the machine has started; undefined where that cannot be told. Costs 0.1 ms. */
export function countForks(): number | undefined {
  try {
    return Number(/^processes (\d+)$/m.exec(readFileSync(`${PROC}/stat`, 'latin1'))?.[1] ?? Number.NaN);
  } catch {
    return undefined;
  }
}

/** Whether process ids may have wrapped around since {@link countForks} said so much. */
export function mayIdsRepeat(forksBefore: number | undefined): boolean {
  try {
    const forks = (countForks() ?? Number.NaN) - (forksBefore ?? Number.NaN);
    return !(forks < Number(readFileSync(`${PROC}/sys/kernel/pid_max`, 'latin1')) / 2);
  } catch {
    return true;
  }
}

/**
 * The processes that may have been started after this one, which has ended: process ids are assigned in order. Only
 * valid as long as ids did not wrap around since; see {@link mayIdsRepeat}.
 */
export function listYounger(pid: number): readonly number[] {
  const last = lastProcessId();
  if (last === pid) return []; // no process was started since
  return listProcesses().filter((other) =>
    last > pid ? other > pid && other <= last : other > pid || other <= last,
  );
}

function lastProcessId(): number {
  try {
    return Number(readFileSync(`${PROC}/loadavg`, 'latin1').trim().split(' ').at(-1));
  } catch {
    return 0;
  }
}

/** Signals a process, or with a negative number a process group. False when it is missing or not choo's to signal. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * Kills the processes that `find` returns, until it returns none or five seconds have passed. Resolves with the number
 * of processes. Never kills choo itself.
 */
export async function endAll(find: () => readonly number[]): Promise<number> {
  const ended = new Set<number>();
  const started = performance.now();
  for (let pause = 1; performance.now() - started < KILL_TIMEOUT_MS; pause = Math.min(pause * 2, 50)) {
    const pids = find().filter((pid) => pid !== process.pid);
    if (pids.length === 0) break;
    for (const pid of pids) {
      ended.add(pid);
      send(pid, 'SIGKILL');
    }
    await sleep(pause);
  }
  return ended.size;
}
