import { accessSync, constants, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Mask } from './bubblewrap-line.ts';

/**
 * What this user may read below a directory and not everybody may: a key that belongs to choo's user, a file of one of
 * its groups. An ordinary user keeps its id and its groups inside, so these are covered.
 */
export function findPrivate(directory: string): readonly Mask[] {
  const masks: Mask[] = [];
  for (const name of listNames(directory)) {
    const path = join(directory, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || stat.isSymbolicLink()) continue;
    const isDirectory = stat.isDirectory();
    if ((stat.mode & 0o004) === 0 && isReadable(path)) masks.push({ path, directory: isDirectory });
    else if (isDirectory) masks.push(...findPrivate(path));
  }
  return masks;
}

function listNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // closed to this user
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
