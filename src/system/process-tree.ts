import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What `/proc` says, on Linux; elsewhere there is none, and every answer is empty. */
const PROC = '/proc';

/** The variable that says whose command a process belongs to: its value is a mark. */
export const OWNER_VARIABLE = 'CHOO_OWNER';

/** A mark for one command: whatever carries it is ended with that command, so no two may be the same. */
export function newMark(owner: string): string {
  return `${owner}/${randomUUID()}`;
}

/** How long processes may take to be gone after SIGKILL; one that waits for a broken disk takes longer. Milliseconds. */
const GONE_MS = 5_000;

/** One line of the table of processes. */
export interface ProcessInfo {
  readonly pid: number;
  /** Of its program, as it says itself. */
  readonly name: string;
  readonly parent: number;
  readonly group: number;
  /** When it was started: with the id, what tells it from another process that got the same id later. */
  readonly startTime: string;
  /** Memory that it holds, in pages. */
  readonly residentPages: number;
}

/** The processes of this machine that choo can see. */
export function listProcesses(): readonly number[] {
  try {
    return readdirSync(PROC).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** A living process, not a zombie; undefined when there is none. */
export function inspect(pid: number): ProcessInfo | undefined {
  const stat = readProcess(pid, 'stat');
  // Its name, in brackets, is free text. State, parent and group follow; the start is field 22 of all, memory field 24.
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

/** All living processes. Costs 20 µs each. */
export function inspectAll(): readonly ProcessInfo[] {
  return listProcesses()
    .map(inspect)
    .filter((process) => process !== undefined);
}

/** A process and all that descend from it. */
export function descendants(all: readonly ProcessInfo[], ancestor: number): readonly ProcessInfo[] {
  const children = Map.groupBy(all, ({ parent }) => parent);
  const found = all.filter(({ pid }) => pid === ancestor);
  for (const { pid } of found) found.push(...(children.get(pid) ?? [])); // the loop goes on over what it adds
  return found;
}

/** A file of a process; empty when it has ended, is a zombie or belongs to somebody else. */
function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`${PROC}/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Whether a process of one thread has children, zombies too. Where the kernel does not tell, it says that it has. */
export function hasChildren(pid: number): boolean {
  const children = readProcess(pid, `task/${pid}/children`);
  return (
    children !== '' || (inspect(pid) !== undefined && !existsSync(`${PROC}/${pid}/task/${pid}/children`))
  );
}

/** Whether a living process carries the mark of this owner, or of one of its commands. */
export function isMarked(pid: number, owner: string): boolean {
  const environment = `\0${readProcess(pid, 'environ')}\0`;
  return [`${OWNER_VARIABLE}=${owner}\0`, `${OWNER_VARIABLE}=${owner}/`].some((mark) =>
    environment.includes(`\0${mark}`),
  );
}

/**
 * The processes that can have been started after this one, which has ended already: process ids are given out in
 * order. Only true when this one was short-lived, since the numbers begin again after the largest.
 */
export function listYounger(pid: number): readonly number[] {
  const last = lastProcessId();
  if (last === pid) return []; // the machine has started nothing since
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

/** Sends a signal to a process, or with a negative number to a group. False: there is none, or it is not ours. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Kills what `find` finds until it finds nothing. Settles with how many there were. Never kills choo itself. */
export async function endAll(find: () => readonly number[]): Promise<number> {
  const ended = new Set<number>();
  const started = performance.now();
  for (let pause = 1; performance.now() - started < GONE_MS; pause = Math.min(pause * 2, 50)) {
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
