import { readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import process from 'node:process';
import { isProcessAlive, processStart } from '../../system/process-identity.ts';

/** Identifies a process on a machine, so that other processes there can see whether it is alive. */
export interface WorkerIdentity {
  /** The name of the machine. */
  readonly host: string;
  readonly pid: number;
  readonly start: string | null;
  /** Its pid namespace; containers have their own. */
  readonly space: string | null;
}

/** Parses the text of {@link ownIdentity}. */
export function readIdentity(identity: string): WorkerIdentity {
  return JSON.parse(identity) as WorkerIdentity;
}

/** The identity of this process, as text that {@link readIdentity} reads. */
export async function ownIdentity(): Promise<string> {
  const { pid } = process;
  const identity: WorkerIdentity = {
    host: hostname(),
    pid,
    start: (await processStart(pid)) ?? null,
    space: await ownSpace(),
  };
  return JSON.stringify(identity);
}

/** The pid namespace of this process; null when the system has none. */
async function ownSpace(): Promise<string | null> {
  return readlink('/proc/self/ns/pid').catch(() => null);
}

/** Whether a process of this machine has ended. False for a process of another machine, or one not visible from here. */
export async function isGone({ host, pid, start, space }: WorkerIdentity): Promise<boolean> {
  if (host !== hostname()) return false;
  // A process of another container is not visible from here; a visible process with its pid is a different one.
  if (start === null || space !== (await ownSpace())) return false;
  // Two machines may share a name, and their pids overlap.
  const mine = await processStart(process.pid);
  if (mine === undefined || bootOf(mine) !== bootOf(start)) return false;
  return !(await isProcessAlive(pid, start));
}

/** The boot id in a process's start. */
function bootOf(start: string): string {
  return start.slice(0, start.indexOf('/'));
}
