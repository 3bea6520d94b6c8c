import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { isMissing } from './files.ts';

/** Who a lock file belongs to, by its bytes; undefined: to nobody who lives. */
export type LivingOwner<Owner> = (text: string) => Promise<Owner | undefined>;

/**
 * Puts a file with these bytes at a path where there is none, or only that of a dead process; else returns who is alive.
 * No two attempts may ever write the same bytes: they are what a lock is known by.
 *
 * A dead one's file must be replaced by one process alone, and it must still be that file. So there is a second lock beside
 * it, named for its bytes, and taken in the same way: whoever has that, and finds the same bytes again, may replace them,
 * for no other can, and the dead do not come back.
 */
export async function seize<Owner>(
  path: string,
  mine: string,
  livingOwner: LivingOwner<Owner>,
): Promise<Owner | undefined> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, mine, { mode: 0o600 });
  try {
    for (let patience = 400; ; patience -= 1) {
      if (await linked(temporary, path)) return undefined;
      const found = await readText(path);
      if (found === undefined) continue; // released since
      const owner = await livingOwner(found);
      if (owner !== undefined) return owner;
      const guard = `${path}.${createHash('sha256').update(found).digest('hex').slice(0, 16)}`;
      const rival = await seize(guard, mine, livingOwner);
      if (rival !== undefined) {
        if (patience <= 0) return rival;
        await wait(5); // it is about to replace the file, which is a few system calls
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

/** Gives a lock back, unless it is somebody else's by now. */
export async function release(path: string, mine: string): Promise<void> {
  if ((await readText(path)) === mine) await rm(path, { force: true });
}

/** Gives a file a second name; false: the name is taken. */
async function linked(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** The text of a file; undefined: there is none. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
