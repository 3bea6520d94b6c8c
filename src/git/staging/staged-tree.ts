import type { Stats } from 'node:fs';
import type { ObjectWriter } from '../objects/object-writer.ts';
import { decodeBytes, TREE, type TreeItem } from '../objects/tree-format.ts';

/** A file or link as it was staged. Paths and names here are bytes, one character each. */
export interface StagedFile {
  /** As in an index: 0o100644, 0o100755 or 0o120000. */
  readonly mode: number;
  readonly id: string;
  /** What the file system said of it when its content was read; undefined: nobody looked yet. */
  seen: SeenFile | undefined;
}

/** What tells that a file was not changed. */
export interface SeenFile extends Pick<
  Stats,
  'dev' | 'ino' | 'uid' | 'gid' | 'size' | 'ctimeMs' | 'mtimeMs'
> {
  /** It was older than the look at it: each later change shows. Otherwise its content must be read again. */
  readonly isSettled: boolean;
}

/** A directory of {@link StagedTree}. */
export interface StagedDirectory {
  readonly files: Map<string, StagedFile>;
  readonly directories: Map<string, StagedDirectory>;
  /** Its tree object, once it was written. */
  id: string | undefined;
}

/** What is staged of a worktree, in memory. */
export class StagedTree {
  readonly root = newDirectory();
  #size = 0;

  constructor(files: Iterable<readonly [path: string, file: StagedFile]>) {
    for (const [path, file] of files) this.put(path, file);
  }

  get size(): number {
    return this.#size;
  }

  /** In git's order of an index: by bytes. */
  files(): readonly (readonly [path: string, file: StagedFile])[] {
    return [...filesBelow(this.root, '')].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Nothing else may stand at the path or on the way to it: drop that first. */
  put(path: string, file: StagedFile): void {
    const [name, ...parents] = path.split('/').toReversed();
    let directory = this.root;
    directory.id = undefined;
    for (const parent of parents.toReversed()) {
      const below = directory.directories.get(parent) ?? newDirectory();
      directory.directories.set(parent, below);
      directory = below;
      directory.id = undefined;
    }
    if (!directory.files.has(name ?? '')) this.#size += 1;
    directory.files.set(name ?? '', file);
  }

  drop(path: string): void {
    if (dropFrom(this.root, path.split('/'))) this.#size -= 1;
  }

  /** Writes the tree objects that are not written yet; returns the root's id. */
  async write(writer: ObjectWriter): Promise<string> {
    return writeDirectory(this.root, writer);
  }
}

function newDirectory(): StagedDirectory {
  return { files: new Map(), directories: new Map(), id: undefined };
}

/** The files in and below a directory, with their paths behind a prefix. */
export function* filesBelow(
  { files, directories }: StagedDirectory,
  prefix: string,
): Generator<readonly [path: string, file: StagedFile]> {
  for (const [name, file] of files) yield [prefix + name, file];
  for (const [name, directory] of directories) yield* filesBelow(directory, `${prefix}${name}/`);
}

/** Whether there was one. Directories without files are dropped with it: git knows none. */
function dropFrom(directory: StagedDirectory, [name = '', ...rest]: readonly string[]): boolean {
  directory.id = undefined;
  if (rest.length === 0) return directory.files.delete(name);
  const below = directory.directories.get(name);
  if (below === undefined) return false;
  const dropped = dropFrom(below, rest);
  if (below.files.size + below.directories.size === 0) directory.directories.delete(name);
  return dropped;
}

async function writeDirectory(directory: StagedDirectory, writer: ObjectWriter): Promise<string> {
  if (directory.id !== undefined) return directory.id;
  const items: TreeItem[] = [];
  for (const [name, { mode, id }] of directory.files)
    items.push({ mode: mode.toString(8), name: decodeBytes(name), id });
  for (const [name, below] of directory.directories)
    items.push({ mode: TREE, name: decodeBytes(name), id: await writeDirectory(below, writer) });
  directory.id = await writer.tree(items);
  return directory.id;
}
