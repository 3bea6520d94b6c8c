import { lstat } from 'node:fs/promises';
import { ChooError } from '../../errors.ts';
import type { Git } from '../git.ts';
import { listPaths } from './quoted-paths.ts';

/** The most files that one task changes. GitHub shows 3,000 of a pull request. */
const MAX_FILES = 20_000;
/** The most that these hold; holes in files count, for git reads them. GitHub takes pushes of 2 GiB. Bytes. */
const MAX_BYTES = 1024 ** 3;

/**
 * Lists the paths of new, changed and deleted files, with a character for each byte. Throws a ChooError (`git`) when a worktree holds more new or changed files than one task may change, before git reads
 * all of them and writes objects. Ignored files do not count. `git` works in the worktree.
 */
export async function refuseExcess(git: Git): Promise<readonly string[]> {
  const options = ['--modified', '--others', '--exclude-standard', '--deduplicate'];
  const paths = await listPaths(git, 'ls-files', ...options);
  if (paths.length > MAX_FILES) refuse(`${paths.length} new or changed files`, String(MAX_FILES));
  let bytes = 0;
  for (const path of paths) {
    const file = Buffer.concat([Buffer.from(`${git.directory}/`), Buffer.from(path, 'latin1')]);
    bytes += (await lstat(file).catch(() => undefined))?.size ?? 0; // missing: deleted
  }
  if (bytes > MAX_BYTES) refuse(`${inGibibytes(bytes)} of new or changed files`, inGibibytes(MAX_BYTES));
  return paths;
}

function refuse(found: string, most: string): never {
  throw new ChooError('git', `there are ${found}; a task may change ${most}`);
}

function inGibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
