import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ServerUser } from './postgres-user.ts';

/** Makes a directory and its missing parents, readable for every user whatever the umask. Existing ones stay as they are. */
export async function openDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
}

/**
 * Writes a file that belongs to the server's user. The server can write to its directory, so nothing there is followed or
 * trusted: a new file replaces whatever has the name.
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

/** Renames, so that the new name survives a power cut. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await using directory = await open(dirname(to), 'r');
  await directory.sync();
}
