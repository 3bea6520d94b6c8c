import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { z } from 'zod';
import { ChooError } from '../../errors.ts';
import { readText, release, acquireLockFile } from '../../system/lock-file.ts';
import { isProcessAlive, processStart } from '../../system/process-identity.ts';
import { journalDirectory } from './journal.ts';

const ownerSchema = z.object({
  run: z.string(),
  pid: z.int().min(1),
  /** Distinguishes the process from a later one with the same pid; null where the system does not say. */
  start: z.string().nullable(),
  host: z.string(),
  /** Milliseconds since 1970. */
  since: z.number(),
});

/** The process that holds the lock, its run, and since when. */
export type LockOwner = Readonly<z.output<typeof ownerSchema>>;

/** The right to write to the journal of a repository, until it is disposed of. */
export interface JournalLock extends AsyncDisposable {
  readonly owner: LockOwner;
}

/**
 * Acquires the lock of a repository, for a run. Exactly one of several concurrent processes gets it, and the lock of a dead
 * process is taken over. Throws a ChooError (`conflict`) that names the holder.
 */
export async function acquireLock(commonDirectory: string, run: string): Promise<JournalLock> {
  const directory = journalDirectory(commonDirectory);
  const path = lockFile(commonDirectory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const start = await processStart(process.pid);
  const owner: LockOwner = {
    run,
    pid: process.pid,
    start: start ?? null,
    host: hostname(),
    since: Date.now(),
  };
  const mine = `${JSON.stringify({ ...owner, token: randomUUID() })}\n`;
  const other = await acquireLockFile(path, mine, liveOwner);
  if (other !== undefined) throw heldBy(other, commonDirectory);
  return {
    owner,
    [Symbol.asyncDispose]: async () => release(path, mine),
  };
}

/** The living holder of the lock; undefined when there is none. */
export async function readLock(commonDirectory: string): Promise<LockOwner | undefined> {
  const text = await readText(lockFile(commonDirectory));
  return text === undefined ? undefined : liveOwner(text);
}

async function liveOwner(text: string): Promise<LockOwner | undefined> {
  const owner = parseOwner(text);
  if (owner === undefined) return undefined; // truncated by a power cut
  // Processes of another machine cannot be checked, so they count as alive.
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

function lockFile(commonDirectory: string): string {
  return join(journalDirectory(commonDirectory), 'lock');
}

/** The error for a journal whose lock another process holds. */
export function heldBy({ run, pid, host, since }: LockOwner, commonDirectory: string): ChooError {
  const where = host === hostname() ? '' : ` on \`${host}\``;
  const message = `run \`${run}\` has been running since ${new Date(since).toISOString()} (process ${pid}${where})`;
  return new ChooError('conflict', message, {
    hint:
      where === ''
        ? '`choo status` shows its progress; wait until it ends, or end it with `choo cancel`'
        : `if it no longer runs, remove ${lockFile(commonDirectory)}`,
  });
}
