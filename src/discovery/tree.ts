import {
  closeSync,
  constants,
  type Dirent,
  existsSync,
  lstatSync,
  opendirSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { compareText } from '../problems/problem.ts';

/** One entry of a directory. */
export interface TreeEntry {
  readonly name: string;
  /** Path from the tree's base, with forward slashes. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** Size of a file, otherwise 0. Bytes. */
  readonly size: number;
  /**
   * Changes whenever the content does: the id of a blob or tree, or a file's size, time and inode. Undefined for a plain
   * directory, whose own data does not show whether a file below it changed.
   */
  readonly version: string | undefined;
}

/** Why a directory has no listing. */
export type Unlisted = 'missing' | 'symlink' | 'not-a-directory' | 'unreadable' | 'too-many-entries';

/**
 * Lists and reads files. Discovery sees files only through this, so that a directory, a commit and a value in a test look
 * the same. Symbolic links are reported and never followed. Both calls take many paths at once and return results in the
 * same order; neither throws for the tree's content.
 */
export interface SpecTree {
  /** The tree's name for messages. */
  readonly label: string;
  /** The direct entries of each directory, by name. At most {@link MAX_ENTRIES} in one call. */
  list(directories: readonly string[]): Promise<readonly (readonly TreeEntry[] | Unlisted)[]>;
  /** The bytes of each file; undefined where it cannot be read. */
  read(files: readonly TreeEntry[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** The whole repository, where this is a directory in it, and the path there. */
  readonly above?: { readonly tree: SpecTree; readonly path: string } | undefined;
  /** Of a commit: why it is too large to be checked out, as a sentence without its subject; undefined: it is not. */
  excess?(): Promise<string | undefined>;
}

/** The most entries of all directories of one listing together. */
export const MAX_ENTRIES = 20_000;

/** The last name of a path in a tree. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Finds one entry by its path; undefined when there is none. */
export async function findEntry(tree: SpecTree, path: string): Promise<TreeEntry | undefined> {
  const directory = dirname(path);
  const [listing] = await tree.list([directory === '.' ? '' : directory]);
  return Array.isArray(listing)
    ? listing.find((entry: TreeEntry) => entry.name === basename(path))
    : undefined;
}

/** A directory on disk. Reads synchronously, which is several times faster for thousands of small files. */
export class DirectoryTree implements SpecTree {
  readonly label: string;
  readonly #base: string;
  /** Directories seen in a listing, whose path therefore contains no link. */
  readonly #known = new Set<string>(['']);

  constructor(base: string) {
    this.#base = base;
    this.label = base;
  }

  get above(): SpecTree['above'] {
    for (let root = this.#base; ; root = dirname(root)) {
      if (existsSync(join(root, '.git')))
        return root === this.#base
          ? undefined
          : { tree: new DirectoryTree(root), path: relative(root, this.#base) };
      if (root === dirname(root)) return undefined;
    }
  }

  async list(directories: readonly string[]): Promise<readonly (readonly TreeEntry[] | Unlisted)[]> {
    let left = MAX_ENTRIES;
    return directories.map((directory) => {
      const listing = this.#check(directory) ?? (left < 0 ? 'too-many-entries' : this.#list(directory));
      if (typeof listing !== 'string') left -= listing.length;
      return left < 0 ? 'too-many-entries' : listing;
    });
  }

  async read(files: readonly TreeEntry[]): Promise<readonly (Uint8Array | undefined)[]> {
    const room = slabs(files.map((file) => file.size));
    return files.map((file) => readRegularFile(`${this.#base}/${file.path}`, room(file.size)));
  }

  #list(directory: string): readonly TreeEntry[] | Unlisted {
    const absolute = join(this.#base, directory);
    const prefix = directory === '' ? '' : `${directory}/`;
    const entries: TreeEntry[] = [];
    try {
      const found = readEntries(absolute);
      if (found.length > MAX_ENTRIES) return 'too-many-entries';
      for (const entry of found) {
        const { name } = entry;
        const path = prefix + name;
        if (entry.isFile()) {
          const stat = lstatSync(`${absolute}/${name}`, { throwIfNoEntry: false });
          if (stat === undefined) continue; // deleted meanwhile
          const version = `${stat.size}:${stat.mtimeMs}:${stat.ino}`;
          entries.push({ name, path, kind: 'file', size: stat.size, version });
        } else if (entry.isDirectory()) {
          this.#known.add(path);
          entries.push({ name, path, kind: 'directory', size: 0, version: undefined });
        } else {
          entries.push({
            name,
            path,
            kind: entry.isSymbolicLink() ? 'symlink' : 'other',
            size: 0,
            version: '',
          });
        }
      }
    } catch {
      return 'unreadable';
    }
    return entries.sort((a, b) => compareText(a.name, b.name));
  }

  /** Checks every part of the path of a directory that no listing has shown yet. */
  #check(directory: string): Unlisted | undefined {
    if (this.#known.has(directory)) return undefined;
    let path = '';
    for (const part of directory.split('/')) {
      path = path === '' ? part : `${path}/${part}`;
      let stat;
      try {
        stat = lstatSync(join(this.#base, path), { throwIfNoEntry: false });
      } catch {
        return 'unreadable';
      }
      if (stat === undefined) return 'missing';
      if (stat.isSymbolicLink()) return 'symlink';
      if (!stat.isDirectory()) return 'not-a-directory';
    }
    return undefined;
  }
}

/** A directory file this large may hold more names than fit in memory, so it is read stepwise. Bytes. */
const LARGE_DIRECTORY_BYTES = 1024 * 1024;

/** Reads all entries of a directory, at most {@link MAX_ENTRIES} + 1. One `readdir` costs a third of stepwise reading. */
function readEntries(directory: string): readonly Dirent[] {
  if (lstatSync(directory).size < LARGE_DIRECTORY_BYTES)
    return readdirSync(directory, { withFileTypes: true });
  const entries: Dirent[] = [];
  using handle = opendirSync(directory, { bufferSize: 1024 });
  for (
    let entry = handle.readSync();
    entry !== null && entries.length <= MAX_ENTRIES;
    entry = handle.readSync()
  ) {
    entries.push(entry);
  }
  return entries;
}

/** Small files share buffers of this size, since thousands of separate buffers cost more than reading the files. Bytes. */
const SLAB_BYTES = 64 * 1024;

/** Allocates memory for files of known sizes, many per buffer. */
function slabs(sizes: readonly number[]): (size: number) => Buffer {
  let left = sizes.reduce((total, size) => total + size, 0);
  let slab = Buffer.alloc(0);
  return (size) => {
    if (slab.length < size) slab = Buffer.allocUnsafeSlow(Math.max(size, Math.min(left, SLAB_BYTES)));
    const room = slab.subarray(0, size);
    slab = slab.subarray(size);
    left -= size;
    return room;
  };
}

/** Reads a listed file into `room`. Follows no link and waits for no pipe that has replaced it. */
function readRegularFile(path: string, room: Buffer): Uint8Array | undefined {
  let descriptor;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    let length = 0;
    while (length < room.length) {
      const count = readSync(descriptor, room, length, room.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return room.subarray(0, length);
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
