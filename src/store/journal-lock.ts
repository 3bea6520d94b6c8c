import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { ChooError } from '../errors.ts';
import { isMissing } from './event-reader.ts';
import { journalDirectory } from './journal.ts';
import { isProcessAlive, processStart } from './process-identity.ts';

const ownerSchema = z.object({
  run: z.string(),
  pid: z.int().min(1),
  /** What tells the process from a later one of the same number; null where the system does not say. */
  start: z.string().nullable(),
  host: z.string(),
  /** Milliseconds since 1970. */
  since: z.number(),
});

/** Who is running, and since when. */
export type LockOwner = Readonly<z.output<typeof ownerSchema>>;

/** The right to write to the journal of a repository, until it is disposed of. */
export interface JournalLock extends AsyncDisposable {
  readonly owner: LockOwner;
}

/**
 * Takes the lock of a repository, for a run. Of any number of processes that try at once exactly one gets it; what a dead
 * process left is taken over. Throws a ChooError (`conflict`) that names who holds it.
 */
export async function acquireLock(commonDirectory: string, run: string): Promise<JournalLock> {
  const directory = journalDirectory(commonDirectory);
  const path = join(directory, 'lock');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const start = await processStart(process.pid);
  const owner: LockOwner = {
    run,
    pid: process.pid,
    start: start ?? null,
    host: hostname(),
    since: Date.now(),
  };
  // No two attempts ever write the same bytes: they are what a lock is known by.
  const mine = `${JSON.stringify({ ...owner, token: randomUUID() })}\n`;
  const other = await seize(path, mine);
  if (other !== undefined) throw heldBy(other, path);
  return {
    owner,
    [Symbol.asyncDispose]: async () => {
      if ((await readText(path)) === mine) await rm(path, { force: true });
    },
  };
}

/** Who holds the lock now; undefined: nobody does, or whoever did is dead. */
export async function readLock(commonDirectory: string): Promise<LockOwner | undefined> {
  const text = await readText(join(journalDirectory(commonDirectory), 'lock'));
  return text === undefined ? undefined : livingOwner(text);
}

/**
 * Puts a file with these bytes at a path where there is none, or only that of a dead process; else returns who is alive.
 *
 * A dead one's file must be replaced by one process alone, and it must still be that file. So there is a second lock beside
 * it, named for its bytes, and taken in the same way: whoever has that, and finds the same bytes again, may replace them,
 * for no other can, and the dead do not come back.
 */
async function seize(path: string, mine: string): Promise<LockOwner | undefined> {
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
      const rival = await seize(guard, mine);
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

async function livingOwner(text: string): Promise<LockOwner | undefined> {
  const owner = parseOwner(text);
  if (owner === undefined) return undefined; // what a power cut left
  // Of another machine's processes nothing is known.
  if (owner.host !== hostname()) return owner;
  return (await isProcessAlive(owner.pid, owner.start ?? undefined)) ? owner : undefined;
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    return ownerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function heldBy({ run, pid, host, since }: LockOwner, path: string): ChooError {
  const where = host === hostname() ? '' : ` on \`${host}\``;
  const message = `run \`${run}\` is running since ${new Date(since).toISOString()} (process ${pid}${where})`;
  return new ChooError('conflict', message, {
    hint:
      where === ''
        ? '`choo status` shows how far it is; wait for its end, or stop it'
        : `if it runs no more, remove ${path}`,
  });
}
