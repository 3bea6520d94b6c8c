import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../../errors.ts';
import type { Forbidden } from '../forbidden-changes.ts';
import { openGit } from '../git.ts';
import { describeExcess, measureCheckout } from '../objects/checkout-size.ts';
import type { ObjectReader } from '../objects/object-reader.ts';
import { feed } from '../objects/feed.ts';
import { encodeName } from '../objects/tree-format.ts';
import { type Change, diffTrees, treeOf } from '../objects/tree-object.ts';
import type { Repository } from '../repository.ts';
import type { LfsContents } from './lfs-contents.ts';
import { MAX_POINTER_BYTES, type Pointer, readPointer } from './pointer.ts';

/** Git LFS, too, takes no link for a pointer. */
const FILE_MODES = new Set(['100644', '100755']);

interface File {
  readonly path: string;
  readonly id: string;
}

/**
 * Has the contents of a commit's files of Git LFS here, so that git can write them into a worktree. Throws a ChooError: `environment`
 * for one that cannot be had, or that the commit holds as it is; `limit` for too much.
 */
export async function fetchContents(
  repository: Repository,
  commit: string,
  searchPath: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { reader, branches, lfs } = repository;
  const tree = await treeOf(reader, commit);
  const files = await findFiles(repository, tree, searchPath, signal);
  if (files.length === 0) return;
  const pointers = await readPointers(reader, files);
  const { entries, bytes } = await measureCheckout(reader, tree);
  const ofContents = [...pointers.values()].reduce((sum, { size }) => sum + size, 0);
  const excess = describeExcess({ entries, bytes: bytes + ofContents });
  if (excess !== undefined)
    throw new ChooError('limit', `with its files of Git LFS the commit ${commit} ${excess}`, {
      hint: 'set `checkout.lfs` to false, or remove what no unit needs',
    });
  const raw = files.find(({ path }) => !pointers.has(path));
  if (raw !== undefined)
    throw new ChooError('environment', `\`${raw.path}\` belongs to Git LFS, and is committed as it is`, {
      hint: 'run `git add --renormalize .` with Git LFS installed, and commit that; or change `.gitattributes`',
    });
  const distinct = new Map([...pointers.values()].map((each) => [`${each.oid} ${each.size}`, each]));
  await lfs.fetch([...distinct.values()], await branches.origin(), signal);
}

/**
 * Finds changes that name a content which is not here: choo commits pointers, and stores no contents anywhere. What was moved or
 * removed is none.
 */
export async function findNewContents(
  reader: ObjectReader,
  changes: readonly Change[],
  lfs: LfsContents,
): Promise<readonly Forbidden[]> {
  const files = changes.flatMap(({ path, after }) =>
    after !== undefined && FILE_MODES.has(after.mode) ? [{ path, id: after.id }] : [],
  );
  const found: Forbidden[] = [];
  for (const [path, pointer] of await readPointers(reader, files))
    if (!(await lfs.has(pointer)))
      found.push({ path, reason: 'lfs', message: 'is kept in Git LFS, where choo stores nothing new' });
  return found;
}

/** The files of a tree that its own attributes give to Git LFS, but for empty ones, which it leaves as they are. */
async function findFiles(
  { git: { directory: gitDirectory }, objects, reader, lfs }: Repository,
  tree: string,
  searchPath: string,
  signal: AbortSignal | undefined,
): Promise<readonly File[]> {
  const all = (await diffTrees(reader, undefined, tree)).flatMap(({ path, after }) =>
    after !== undefined && FILE_MODES.has(after.mode) ? [{ path, id: after.id }] : [],
  );
  const attributes = all.filter(({ path }) => /(?:^|\/)\.gitattributes$/.test(path));
  const rules = await reader.contents(attributes.map(({ id }) => id));
  if (!rules.some((content) => content?.includes('lfs') === true)) return [];
  await mkdir(lfs.directory, { recursive: true, mode: 0o700 });
  const indexFile = join(lfs.directory, `index.${randomUUID()}`);
  try {
    const git = openGit(gitDirectory, searchPath, { gitDirectory, objects, indexFile, signal });
    await git.run('read-tree', tree);
    const paths = all.map(({ path }) => encodeName(path).toString('latin1'));
    const said = await feed(git, paths, [0], 'check-attr', '--cached', '-z', '--stdin', 'filter');
    const marked = new Set<string>();
    const words = said.split('\0');
    for (let at = 0; at + 2 < words.length; at += 3) if (words[at + 2] === 'lfs') marked.add(words[at] ?? '');
    const files = all.filter((_, index) => marked.has(paths[index] ?? ''));
    const infos = await reader.info(files.map(({ id }) => id));
    return files.filter((_, index) => infos[index]?.size !== 0);
  } finally {
    await rm(indexFile, { force: true });
  }
}

/** The pointers among files, by path. */
async function readPointers(
  reader: ObjectReader,
  files: readonly File[],
): Promise<ReadonlyMap<string, Pointer>> {
  const infos = await reader.info(files.map(({ id }) => id));
  const small = files.filter((_, index) => (infos[index]?.size ?? Infinity) <= MAX_POINTER_BYTES);
  const contents = await reader.contents(small.map(({ id }) => id));
  const pointers = new Map<string, Pointer>();
  for (const [index, { path }] of small.entries()) {
    const content = contents[index];
    const pointer = content && readPointer(content);
    if (pointer !== undefined) pointers.set(path, pointer);
  }
  return pointers;
}
