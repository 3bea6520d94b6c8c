import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { isMissing } from '../../system/files.ts';

/** Where a repository keeps its objects, and by which hash it names them: `sha1` or `sha256`. */
export interface ObjectPlace {
  readonly objects: string;
  readonly objectFormat: string;
}

export type ObjectType = 'blob' | 'tree' | 'commit';

/** Every user may read what choo writes, and a group that shares the directory keeps it: as git does for choo's repository. */
const DIRECTORY_MODE = 0o2755;
const FILE_MODE = 0o444;

/** The id that git gives an object. */
export function objectId(type: ObjectType, content: Uint8Array, objectFormat: string): string {
  return createHash(objectFormat).update(`${type} ${content.byteLength}\0`).update(content).digest('hex');
}

/**
 * Writes an object to a file of its own, as git would: whole or not at all, and by git's default not flushed to the disk. One
 * that is there becomes young again, so that no clean-up of git's removes it.
 *
 * Not for what an agent wrote: git's own hash finds the known attacks on SHA-1, and this one does not.
 */
export function writeLooseObject(
  type: Exclude<ObjectType, 'blob'>,
  content: Uint8Array,
  { objects, objectFormat }: ObjectPlace,
): string {
  const id = objectId(type, content, objectFormat);
  const directory = join(objects, id.slice(0, 2));
  const path = join(directory, id.slice(2));
  if (makeYoung(path)) return id;
  const whole = Buffer.concat([Buffer.from(`${type} ${content.byteLength}\0`), content]);
  const draft = join(objects, `tmp_obj_${randomUUID()}`); // a name that git's clean-up removes
  try {
    writeFileSync(draft, deflateSync(whole, { level: 1 }), { mode: FILE_MODE, flag: 'wx' });
    chmodSync(draft, FILE_MODE); // whatever the umask is
    place(draft, path, directory);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return id;
}

/** False: there is no such file, or it belongs to someone else. */
function makeYoung(path: string): boolean {
  try {
    const now = new Date();
    utimesSync(path, now, now);
    return true;
  } catch {
    return false;
  }
}

function place(draft: string, path: string, directory: string): void {
  try {
    renameSync(draft, path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, DIRECTORY_MODE);
    renameSync(draft, path);
  }
}
