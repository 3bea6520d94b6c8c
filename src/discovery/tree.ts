import {
  closeSync,
  constants,
  type Dirent,
  lstatSync,
  opendirSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compareText } from '../problems/problem.ts';

/** What stands at one name of a directory. */
export interface TreeEntry {
  readonly name: string;
  /** From the tree's base, forward slashes. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** Bytes of a file, else 0. */
  readonly size: number;
  /**
   * Changes whenever the content does: a blob's or tree's id, or a file's size, time and inode. A plain directory has
   * none, because nothing about it tells whether a file below it changed.
   */
  readonly version: string | undefined;
}

/** Why a directory has no listing. */
export type Unlisted = 'missing' | 'symlink' | 'not-a-directory' | 'unreadable' | 'too-many-entries';

/**
 * Paths plus a read function: the only way discovery sees the world, so that a working tree, a commit and a value in a
 * test are all the same to it. Symbolic links are reported and never followed. Both calls take many paths at once and
 * answer in the same order; neither throws for what the tree holds.
 */
export interface SpecTree {
  /** How to name this tree to a person. */
  readonly label: string;
  /** The entries directly in each directory, by name. At most {@link MAX_ENTRIES} of all that are asked for at once. */
  list(directories: readonly string[]): Promise<readonly (readonly TreeEntry[] | Unlisted)[]>;
  /** The bytes of each file; undefined where it cannot be read. */
  read(files: readonly TreeEntry[]): Promise<readonly (Uint8Array | undefined)[]>;
}

/** Directories with more entries together are not listed to the end. */
export const MAX_ENTRIES = 20_000;

/** The last name of a path in a tree. */
export function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Finds one file by its path; undefined when there is nothing of that name. */
export async function findEntry(tree: SpecTree, path: string): Promise<TreeEntry | undefined> {
  const directory = dirname(path);
  const [listing] = await tree.list([directory === '.' ? '' : directory]);
  return Array.isArray(listing)
    ? listing.find((entry: TreeEntry) => entry.name === basename(path))
    : undefined;
}

/** A directory on disk. Reads synchronously: for thousands of small files that is several times faster than promises. */
export class DirectoryTree implements SpecTree {
  readonly label: string;
  readonly #base: string;
  /** Directories seen as such in a listing: no link stands in their path. */
  readonly #known = new Set<string>(['']);

  constructor(base: string) {
    this.#base = base;
    this.label = base;
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
          if (stat === undefined) continue; // gone since
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

  /** Walks down to a directory that no listing has shown yet, and stops at the first thing that is none. */
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

/** A directory this large in itself may hold more names than fit in memory, so it is counted while it is read. Bytes. */
const LARGE_DIRECTORY = 1024 * 1024;

/** All entries of a directory, or one more than {@link MAX_ENTRIES}. One `readdir` costs a third of stepping through. */
function readEntries(directory: string): readonly Dirent[] {
  if (lstatSync(directory).size < LARGE_DIRECTORY) return readdirSync(directory, { withFileTypes: true });
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

/** Small files share buffers of this many bytes: thousands of buffers of their own cost more than reading them. */
const SLAB_BYTES = 64 * 1024;

/** Hands out room for files of known sizes, many to a buffer. */
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

/** Fills the room with the file that was listed. A link that took its place is not followed, a pipe not waited for. */
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
