import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { isMissing } from './files.ts';

/** Finds the owner of a lock file by its bytes; undefined when the owner is dead. */
export type FindLiveOwner<Owner> = (text: string) => Promise<Owner | undefined>;

/**
 * Takes a lock: creates the file with these bytes if it is missing or its owner is dead. Otherwise returns the living
 * owner. No two attempts may ever write the same bytes, since they identify the lock.
 *
 * Only one process may replace a dead owner's file, and only if it is still the same file. So there is a second lock
 * beside it, named after the bytes and taken in the same way. Its owner may replace the file if it still has these bytes:
 * no other process can, and a dead process cannot take it again.
 */
export async function acquireLockFile<Owner>(
  path: string,
  mine: string,
  liveOwner: FindLiveOwner<Owner>,
): Promise<Owner | undefined> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, mine, { mode: 0o600 });
  try {
    for (let patience = 400; ; patience -= 1) {
      if (await tryLink(temporary, path)) return undefined;
      const found = await readText(path);
      if (found === undefined) continue; // released meanwhile
      const owner = await liveOwner(found);
      if (owner !== undefined) return owner;
      const guard = `${path}.${createHash('sha256').update(found).digest('hex').slice(0, 16)}`;
      const rival = await acquireLockFile(guard, mine, liveOwner);
      if (rival !== undefined) {
        if (patience <= 0) return rival;
        await wait(5); // the other process is about to replace the file, which takes a few system calls
        continue;
      }
      try {
        if ((await readText(path)) !== found) continue;
        await rename(temporary, path);
        return undefined;
      } finally {
        await rm(guard, { force: true });
      }
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Releases a lock, unless another process has taken it. */
export async function release(path: string, mine: string): Promise<void> {
  if ((await readText(path)) === mine) await rm(path, { force: true });
}

/** Links a file under a second name. False when the name is taken. */
async function tryLink(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Reads a text file; undefined when it is missing. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
