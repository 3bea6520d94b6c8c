import { accessSync, constants, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Mask } from './bubblewrap-line.ts';

/**
 * Finds what only choo's user or its groups may read below a directory, such as a private key. An ordinary user keeps
 * its id and groups inside, so these paths are masked.
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
