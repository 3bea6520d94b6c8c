import { constants } from 'node:fs';
import { lstat, open, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChooError } from '../../errors.ts';

/**
 * Writes regular files below a directory, with the mode of those that are there. Throws a ChooError (`conflict`) when a path is
 * not a regular file or leads through a link.
 */
export async function writeFilesBelow(
  directory: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const root = await realpath(directory);
  for (const [path, content] of files) {
    const absolute = join(directory, path);
    const real = await realpath(dirname(absolute)).catch(() => undefined);
    const there = await lstat(absolute).catch(() => undefined);
    const inside = join(root, path).startsWith(`${root}/`) && real === dirname(join(root, path));
    if (!inside || there?.isFile() === false)
      throw new ChooError('conflict', `\`${path}\` is not a file of the worktree any more`);
    // A new file, because the old one may have further hard links.
    await rm(absolute, { force: true });
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    await using handle = await open(absolute, flags, there?.mode ?? 0o644);
    await handle.writeFile(content);
  }
}
