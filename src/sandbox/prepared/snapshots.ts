import { randomUUID } from 'node:crypto';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { acquireLockFile, release } from '../../system/lock-file.ts';
import { isProcessAlive, processStart } from '../../system/process-identity.ts';
import { removeTree } from '../../system/remove-tree.ts';

/** One that is being made, by its key; one that is being removed. */
export const DRAFT = '.draft-';
export const GONE = '.gone-';
/** The directory of files that say who uses a snapshot. */
export const USES = 'uses';
const LOCK = '.lock';
const NAME = /^([0-9a-f]{64})\.(\d+)$/;

/** A snapshot, by the name of its directory: its key and when it was taken, in milliseconds since 1970. */
export interface Snapshot {
  readonly name: string;
  readonly key: string;
  readonly takenAt: number;
}

/** The snapshots in a directory, the newest first. */
export async function listSnapshots(directory: string): Promise<readonly Snapshot[]> {
  return (await readdir(directory))
    .flatMap((name) => {
      const [, key, takenAt] = NAME.exec(name) ?? [];
      return key === undefined ? [] : [{ name, key, takenAt: Number(takenAt) }];
    })
    .sort((a, b) => b.takenAt - a.takenAt);
}

/** Takes the lock of a key; undefined: a living process has it. */
export async function lockKey(directory: string, key: string): Promise<AsyncDisposable | undefined> {
  const path = join(directory, `${key}${LOCK}`);
  const mine = await ownerText();
  if ((await acquireLockFile(path, mine, liveOwner)) !== undefined) return undefined;
  return { [Symbol.asyncDispose]: async () => release(path, mine) };
}

/** Removes a snapshot that nobody uses, under the lock of its key. Returns whether it did. */
export async function removeUnused(directory: string, { name }: Pick<Snapshot, 'name'>): Promise<boolean> {
  if ((await readdir(join(directory, USES))).some((mark) => mark.startsWith(`${name}.`))) return false;
  const gone = join(directory, `${GONE}${randomUUID()}`);
  await rename(join(directory, name), gone);
  await removeTree(gone);
  return true;
}

/** What identifies this process and this call, as the bytes of a lock. */
export async function ownerText(): Promise<string> {
  const start = await processStart(process.pid);
  return JSON.stringify({ pid: process.pid, start: start ?? null, token: randomUUID() });
}

/** The process that wrote this, if it is alive. */
export async function liveOwner(text: string): Promise<number | undefined> {
  try {
    const { pid, start } = JSON.parse(text) as { readonly pid: number; readonly start: string | null };
    return (await isProcessAlive(pid, start ?? undefined)) ? pid : undefined;
  } catch {
    return undefined; // cut short by a power failure
  }
}
