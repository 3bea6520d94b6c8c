import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { GateReason } from '../events/command-end.ts';

/** Directories whose files nobody wrote. */
const BUILT: ReadonlySet<string> = new Set(['node_modules', 'target', 'dist', 'build', 'vendor', 'coverage']);
/** Maximum entries that are looked at for a file. */
const MAX_ENTRIES = 20_000;

/**
 * The reason with its file as it is found from the project's directory: runners name files from where they work, such as a
 * package. Without a file where none is there, or more than one could be meant. Follows no link below the directory.
 */
export async function findReasonFile(directory: string, reason: GateReason): Promise<GateReason> {
  if (reason.file === null || (await isFile(join(directory, reason.file)))) return reason;
  const found = await findEnding(directory, reason.file);
  return found === undefined
    ? { ...reason, file: null, line: null, column: null }
    : { ...reason, file: found };
}

/** The one file whose path ends like this. */
async function findEnding(directory: string, ending: string): Promise<string | undefined> {
  const directories = [''];
  const found: string[] = [];
  let left = MAX_ENTRIES;
  for (let at = directories.pop(); at !== undefined; at = directories.pop()) {
    for await (const entry of await opendir(join(directory, at)).catch(() => [])) {
      left -= 1;
      if (left === 0) return undefined;
      const path = `${at}${entry.name}`;
      if (entry.isFile() && path.endsWith(`/${ending}`)) found.push(path);
      if (entry.isDirectory() && !BUILT.has(entry.name) && !entry.name.startsWith('.'))
        directories.push(`${path}/`);
    }
  }
  return found.length === 1 ? found[0] : undefined;
}

async function isFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (stat) => stat.isFile(),
    () => false,
  );
}
