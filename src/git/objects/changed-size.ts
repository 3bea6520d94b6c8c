import { lstat } from 'node:fs/promises';
import { ChooError } from '../../errors.ts';
import type { Git } from '../git.ts';
import type { ObjectReader } from './object-reader.ts';
import { listPaths } from './quoted-paths.ts';
import type { Change } from './tree-object.ts';

/** The most files that one task changes, and all tasks of a unit together. GitHub shows 3,000 of a pull request. */
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

/**
 * Why the work of a unit is too large to be committed: many tasks, each within its own limits, are a pull request without any.
 * Undefined: it is not. `changes`: all since the unit's base.
 */
export async function describeUnitExcess(
  reader: ObjectReader,
  changes: readonly Change[],
): Promise<string | undefined> {
  if (changes.length > MAX_FILES)
    return `the unit has ${changes.length} new or changed files; it may change ${MAX_FILES}`;
  const infos = await reader.info(changes.flatMap(({ after }) => (after === undefined ? [] : [after.id])));
  const bytes = infos.reduce((sum, info) => sum + (info?.size ?? 0), 0);
  if (bytes <= MAX_BYTES) return undefined;
  return `the unit has ${inGibibytes(bytes)} of new or changed files; it may change ${inGibibytes(MAX_BYTES)}`;
}

function refuse(found: string, most: string): never {
  throw new ChooError('git', `there are ${found}; a task may change ${most}`);
}

function inGibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
