import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ServerUser } from './postgres-user.ts';

/** Makes a directory, and those it is in, that everybody may read, whatever the umask. Those that are there stay as they are. */
export async function openDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
}

/**
 * Writes a file that is the server's. It stands in a directory that the server can write to, so nothing there is followed
 * or trusted: a new file takes the place of whatever has the name.
 */
export async function writeServerFile(
  { uid, gid, isOther }: ServerUser,
  path: string,
  text: string,
): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    {
      await using file = await open(draft, 'wx', 0o600);
      await file.writeFile(text);
      if (isOther) await file.chown(uid, gid);
      await file.sync();
    }
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Renames in a way that stays after a power cut. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await using directory = await open(dirname(to), 'r');
  await directory.sync();
}
