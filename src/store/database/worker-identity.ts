import { readlink } from 'node:fs/promises';

/** A process of this machine, so that others here can tell whether it is still there. */
export interface WorkerIdentity {
  readonly pid: number;
  readonly start: string | null;
  /** Where its number counts; containers have their own. */
  readonly space: string | null;
}

/** What a worker wrote of itself when it registered. */
export function readIdentity(identity: string): WorkerIdentity {
  return JSON.parse(identity) as WorkerIdentity;
}

/** The namespace that numbers this process; null where the system does not say. */
export async function ownSpace(): Promise<string | null> {
  return readlink('/proc/self/ns/pid').catch(() => null);
}
