import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { ChooError } from '../../errors.ts';
import { release, acquireLockFile } from '../../system/lock-file.ts';
import { isProcessAlive, processStart } from '../../system/process-identity.ts';

const holderSchema = z.object({
  pid: z.int().min(1),
  /** Distinguishes the process from a later one with the same pid; null where the system does not say. */
  start: z.string().nullable(),
});

type Holder = Readonly<z.output<typeof holderSchema>>;

/** The lock for starting and stopping the server, and for changing the list of its users. */
export interface ServerLock extends AsyncDisposable {
  /** Registers this process as a user of the server, for as long as it lives. Returns the function that deregisters it. */
  enter(): Promise<LeaveServer>;
  /** Whether any living process uses the server. */
  isUsed(): Promise<boolean>;
}

/** Deregisters a user. Call it with the lock held: else the server can stop under a process that joins. */
export type LeaveServer = () => Promise<void>;

/** Longer than the lock is ever held: to make the database, wait for a recovery or stop the server. Milliseconds. */
const LOCK_TIMEOUT_MS = 240_000;
const POLL_MS = 10;

/**
 * Waits for the lock of a data directory's server. `directory` has the files of the lock and of the users: each names a
 * process and counts only while that process lives, so a crash leaves nothing to clean up. They are for the processes of one
 * machine, as the database's own files are. Throws a ChooError (`conflict`) that names the holder when it does not release.
 */
export async function acquireServerLock(directory: string, limitMs = LOCK_TIMEOUT_MS): Promise<ServerLock> {
  const users = join(directory, 'users');
  await mkdir(users, { recursive: true, mode: 0o700 });
  const path = join(directory, 'lock');
  const start = await processStart(process.pid);
  const mine = `${JSON.stringify({ pid: process.pid, start: start ?? null, token: randomUUID() })}\n`;
  for (const deadline = performance.now() + limitMs; ; await wait(POLL_MS)) {
    const holder = await acquireLockFile(path, mine, liveHolder);
    if (holder === undefined) break;
    if (performance.now() > deadline) throw stuck(holder, path, limitMs);
  }
  return {
    enter: async () => {
      const user = join(users, userName(process.pid, start));
      await writeFile(user, '', { mode: 0o600 });
      return async () => rm(user, { force: true });
    },
    isUsed: async () => isUsed(users),
    [Symbol.asyncDispose]: async () => release(path, mine),
  };
}

/** `<pid>.<boot>.<age>.<random>`: one process may use the server more than once. */
function userName(pid: number, start: string | undefined): string {
  return [pid, start?.replace('/', '.') ?? '.', randomUUID()].join('.');
}

async function isUsed(users: string): Promise<boolean> {
  let used = false;
  for (const name of await readdir(users)) {
    const [pid, boot, age] = name.split('.');
    const start = boot === '' || boot === undefined ? undefined : `${boot}/${age ?? ''}`;
    if (await isProcessAlive(Number(pid), start)) used = true;
    else await rm(join(users, name), { force: true });
  }
  return used;
}

async function liveHolder(text: string): Promise<Holder | undefined> {
  const holder = parseHolder(text);
  if (holder === undefined) return undefined; // truncated by a power cut
  return (await isProcessAlive(holder.pid, holder.start ?? undefined)) ? holder : undefined;
}

function parseHolder(text: string): Holder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function stuck({ pid }: Holder, path: string, limitMs: number): ChooError {
  const seconds = Math.round(limitMs / 1_000);
  return new ChooError(
    'conflict',
    `process ${pid} has been starting or stopping the built-in PostgreSQL for over ${seconds} seconds`,
    { hint: `see what that process waits for, or end it; the lock is ${path}` },
  );
}
