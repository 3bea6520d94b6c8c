import { constants } from 'node:fs';
import { chown, copyFile, lstat, mkdir, open, readFile, rm } from 'node:fs/promises';
import { ChooError, messageOf } from '../../errors.ts';
import { removeTree } from '../../system/remove-tree.ts';
import type { Git } from '../git.ts';
import { refuseExcess } from './changed-size.ts';
import { feed } from './feed.ts';
import { parentsOf } from './path-list.ts';
import { listPaths } from './quoted-paths.ts';

const ATTRIBUTES = '.gitattributes';
/** What any attribute that converts files has in its line, or in that of its macro. */
const CONVERTING = ['text', 'crlf', 'eol', 'ident', 'working-tree-encoding'];
/** Larger ones are taken to convert files. Bytes. */
const MAX_ATTRIBUTES_BYTES = 1024 ** 2;

/** A conversion that does not settle in so many rounds never does. */
const MAX_ROUNDS = 3;

const CHUNK_BYTES = 1024 ** 2;

/**
 * Stages everything not ignored and returns the id of its tree. Afterwards each file that changed is as a checkout of that tree
 * gives it, with the line ends and the encoding that the tree's attributes ask for: so what is judged is what is committed.
 * Attributes that an ignore file hides would be in no checkout, and are removed.
 *
 * `git` works in a worktree in which nothing else runs; `scratch` is the path of a directory that is made and removed. Paths
 * here have a character for each byte. Throws a ChooError (`git`) when something cannot be staged, or for too much.
 */
export async function stageAll(git: Git, scratch: string): Promise<string> {
  const changed = await refuseExcess(git);
  // A file whose change git undoes while it reads it is only among the second.
  const touched = new Set([
    ...changed,
    ...(await listPaths(git, 'diff-files', '--name-only', '--no-renames')),
  ]);
  if (touched.size === 0) return writeTree(git);
  const attributes = await findAttributes(git.directory, touched);
  for (const path of await listHidden(git, attributes)) await removeTree(fileIn(git.directory, path));
  const isNew = changed.some((path) => path === ATTRIBUTES || path.endsWith(`/${ATTRIBUTES}`));
  if (!isNew && !(await mayConvert(git.directory, attributes))) return writeTree(git);

  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const tree = await writeTree(git);
    // New attributes may convert files that nobody touched.
    const paths = isNew ? await listPaths(git, 'ls-files') : [...touched];
    if (!(await writeAsCheckedOut(git, paths, scratch))) return tree;
  }
  throw new ChooError('git', `what ${ATTRIBUTES} says changes a file each time it is checked out`);
}

async function writeTree(git: Git): Promise<string> {
  await git.run('add', '--all');
  return (await git.run('write-tree')).trim();
}

/** The files with attributes that apply to paths, as they are on the disk. */
async function findAttributes(directory: string, paths: Iterable<string>): Promise<readonly string[]> {
  const places = new Set(['']);
  for (const path of paths) for (const parent of parentsOf(path)) places.add(`${parent}/`);
  const found: string[] = [];
  for (const place of places)
    if (await isFile(fileIn(directory, `${place}${ATTRIBUTES}`))) found.push(`${place}${ATTRIBUTES}`);
  return found;
}

/** Those that are neither tracked nor would be. */
async function listHidden(git: Git, paths: readonly string[]): Promise<readonly string[]> {
  if (paths.length === 0) return [];
  // It takes no literal paths; with a dot before them they have no magic either.
  const dotted = paths.map((path) => `./${path}`);
  const command = ['--no-literal-pathspecs', 'check-ignore', '-z', '--stdin'] as const;
  return split(await feed(git, dotted, [0, 1], ...command)).map((path) => path.slice(2));
}

async function mayConvert(directory: string, attributes: readonly string[]): Promise<boolean> {
  for (const path of attributes) {
    const file = fileIn(directory, path);
    const size = (await lstat(file).catch(() => undefined))?.size ?? 0; // removed: hidden
    if (size > MAX_ATTRIBUTES_BYTES) return true;
    const text = size === 0 ? '' : await readFile(file, 'latin1');
    if (CONVERTING.some((word) => text.includes(word))) return true;
  }
  return false;
}

/** Writes those paths that are regular files as a checkout of the index would. Whether any was different. */
async function writeAsCheckedOut(git: Git, paths: readonly string[], scratch: string): Promise<boolean> {
  const files: string[] = [];
  for (const path of paths) if (await isFile(fileIn(git.directory, path))) files.push(path);
  try {
    await mkdir(scratch, { mode: 0o700 });
    await feed(git, files, [0], 'checkout-index', '-z', '--stdin', `--prefix=${scratch}/`);
    let differed = false;
    for (const path of files) {
      const [ours, theirs] = [fileIn(scratch, path), fileIn(git.directory, path)];
      if (await isSame(ours, theirs)) continue;
      differed = true;
      await replace(theirs, ours);
    }
    return differed;
  } catch (error) {
    if (error instanceof ChooError) throw error;
    throw new ChooError('git', `a file cannot be written as it is checked out: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await removeTree(scratch);
  }
}

/** Puts the content of another file into a file's place. A new file, because the old one may have further hard links. */
async function replace(file: Buffer, content: Buffer): Promise<void> {
  const { mode, uid, gid } = await lstat(file);
  await rm(file);
  await copyFile(content, file, constants.COPYFILE_EXCL);
  await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  await handle.chmod(mode & 0o777);
  if (uid !== process.getuid?.()) await chown(file, uid, gid);
}

async function isSame(one: Buffer, other: Buffer): Promise<boolean> {
  await using first = await open(one, constants.O_RDONLY | constants.O_NOFOLLOW);
  await using second = await open(other, constants.O_RDONLY | constants.O_NOFOLLOW);
  if ((await first.stat()).size !== (await second.stat()).size) return false;
  const [left, right] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)];
  for (let at = 0; ;) {
    const { bytesRead } = await first.read(left, 0, CHUNK_BYTES, at);
    await second.read(right, 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return true;
    if (!left.subarray(0, bytesRead).equals(right.subarray(0, bytesRead))) return false;
    at += bytesRead;
  }
}

async function isFile(path: Buffer): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isFile() === true;
}

function split(text: string): readonly string[] {
  return text.split('\0').slice(0, -1);
}

function fileIn(directory: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, 'latin1')]);
}
