import { readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import process from 'node:process';
import { isProcessAlive, processStart } from '../../system/process-identity.ts';

/** A process of a machine, so that others there can tell whether it is still there. */
export interface WorkerIdentity {
  /** The name of the machine. */
  readonly host: string;
  readonly pid: number;
  readonly start: string | null;
  /** Where its number counts; containers have their own. */
  readonly space: string | null;
}

/** What a process wrote of itself with {@link ownIdentity}. */
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

/** The namespace that numbers this process; null where the system does not say. */
async function ownSpace(): Promise<string | null> {
  return readlink('/proc/self/ns/pid').catch(() => null);
}

/** Whether a process of this machine has ended. False for one of another machine, or that cannot be seen from here. */
export async function isGone({ host, pid, start, space }: WorkerIdentity): Promise<boolean> {
  if (host !== hostname()) return false;
  // A process of another container cannot be seen from here; one that is seen under its number is another.
  if (start === null || space !== (await ownSpace())) return false;
  // Two machines may have one name, and each has processes of every number.
  const mine = await processStart(process.pid);
  if (mine === undefined || bootOf(mine) !== bootOf(start)) return false;
  return !(await isProcessAlive(pid, start));
}

/** The start of the machine that a process belongs to. */
function bootOf(start: string): string {
  return start.slice(0, start.indexOf('/'));
}
