import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs';
import { setImmediate as immediate } from 'node:timers/promises';
import { isLargeDirectory } from '../../system/read-directory.ts';
import { isGitName } from '../objects/git-name.ts';
import { objectId } from '../objects/loose-object.ts';
import { indexMode, isUnchanged, readContent } from './file-state.ts';
import { MAX_PATH_BYTES } from './nested-repositories.ts';
import { filesBelow, type StagedDirectory, type StagedFile, type StagedTree } from './staged-tree.ts';

/** How a worktree differs from what is staged. Paths are bytes, one character each. */
export interface Found {
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
  /** Neither staged nor ignored. */
  readonly untracked: readonly string[];
}

/** What a look at a worktree came to. */
export interface Look {
  /** Undefined: only git can tell. */
  readonly found: Found | undefined;
  /** The paths that had to be removed. */
  readonly removed: readonly string[];
}

/** A worktree to look at. */
export interface LookedAt {
  /** Absolute. */
  readonly path: string;
  readonly staged: StagedTree;
  readonly objectFormat: string;
  /** Whether each path is ignored by these ignore files. */
  readonly askIgnored: (
    paths: readonly string[],
    ignoreFiles: readonly string[],
  ) => Promise<readonly boolean[]>;
}

/** How long a look may keep other work waiting. Milliseconds. */
const MAX_PAUSE_MS = 5;
/** What one look reads of files that are not settled; git is faster with more. Bytes. */
const MAX_READ_BYTES = 32 * 1024 * 1024;
/** What one look finds; git stages more than that, within its limits. */
const MAX_FOUND = 1_000;
/** The most that these files hold, holes included: they are read into memory here. Bytes. */
const MAX_FOUND_BYTES = 32 * 1024 * 1024;

/** There is something that only git can judge, or that must be removed first. */
class Doubt extends Error {}

/**
 * Looks at a worktree without git, following no link. Undefined whenever there may be anything that git treats in a way of its
 * own: attributes, special files, its own names in any spelling, what cannot be read, or too much. Ignored directories are
 * walked too: nothing of git's may be hidden in them. No other process may write there meanwhile.
 */
export async function lookAt(worktree: LookedAt): Promise<Found | undefined> {
  try {
    return await new Walk(worktree).run();
  } catch (error) {
    if (error instanceof Doubt) return undefined;
    throw error;
  }
}

class Walk {
  readonly #worktree: LookedAt;
  readonly #root: string;
  readonly #changed: string[] = [];
  readonly #deleted: string[] = [];
  readonly #ignoreFiles: string[] = [];
  /** Not staged, and nobody has asked yet whether they are ignored. */
  #files: string[] = [];
  #directories: string[] = [];
  #readBytes = 0;
  #resumed = performance.now();

  constructor(worktree: LookedAt) {
    this.#worktree = worktree;
    this.#root = `${Buffer.from(worktree.path).toString('latin1')}/`;
  }

  async run(): Promise<Found> {
    const open: { readonly path: string; readonly staged: StagedDirectory }[] = [
      { path: '', staged: this.#worktree.staged.root },
    ];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      await this.#pause();
      for (const [name, staged] of this.#compare(next.path, next.staged))
        open.push({ path: next.path + name, staged });
    }
    const untracked = await this.#findUntracked();
    if (this.#changed.length + this.#deleted.length + untracked.length > MAX_FOUND) throw new Doubt();
    this.#refuseLarge([...this.#changed, ...untracked]);
    return { changed: this.#changed, deleted: this.#deleted, untracked };
  }

  #refuseLarge(paths: readonly string[]): void {
    let bytes = 0;
    for (const path of paths) bytes += this.#stat(path).size;
    if (bytes > MAX_FOUND_BYTES) throw new Doubt();
  }

  /** Compares the files of one directory. `prefix` is its path with a slash. Returns the directories to look at next. */
  #compare(
    prefix: string,
    staged: StagedDirectory,
  ): readonly (readonly [name: string, staged: StagedDirectory])[] {
    const below: (readonly [string, StagedDirectory])[] = [];
    const found = new Set<string>();
    for (const entry of this.#list(prefix)) {
      const path = prefix + entry.name;
      if (path === '.git') continue;
      if (entry.isDirectory()) {
        const directory = staged.directories.get(entry.name);
        if (directory === undefined) {
          this.#directories.push(path);
          continue;
        }
        found.add(entry.name);
        below.push([`${entry.name}/`, directory]);
        continue;
      }
      this.#noticeIgnoreFile(entry, path);
      const file = staged.files.get(entry.name);
      if (file === undefined) {
        this.#files.push(path);
        continue;
      }
      found.add(entry.name);
      if (!this.#isSame(path, file)) this.#changed.push(path);
    }
    this.#noteDeleted(prefix, staged, found);
    return below;
  }

  #noteDeleted(prefix: string, { files, directories }: StagedDirectory, found: ReadonlySet<string>): void {
    if (found.size === files.size + directories.size) return;
    for (const name of files.keys()) if (!found.has(name)) this.#deleted.push(prefix + name);
    for (const [name, directory] of directories)
      if (!found.has(name))
        for (const [path] of filesBelow(directory, `${prefix}${name}/`)) this.#deleted.push(path);
  }

  /** The entries of a directory, all of them plain. `isRefused`: names for which git must look itself. */
  #list(prefix: string, isRefused = isDoubtfulName): readonly Dirent[] {
    let entries: readonly Dirent[];
    try {
      const place = this.#place(prefix);
      if (isLargeDirectory(place)) throw new Doubt();
      entries = readdirSync(place, { withFileTypes: true, encoding: 'latin1' });
    } catch {
      throw new Doubt();
    }
    for (const entry of entries) {
      if (prefix === '' && entry.name === '.git') continue;
      const isPlain = entry.isFile() || entry.isDirectory() || entry.isSymbolicLink();
      const isLong = this.#root.length + prefix.length + entry.name.length > MAX_PATH_BYTES;
      if (!isPlain || isLong || isRefused(entry.name)) throw new Doubt();
    }
    return entries;
  }

  #noticeIgnoreFile(entry: Dirent, path: string): void {
    if (entry.name !== '.gitignore') return;
    if (!entry.isFile()) throw new Doubt();
    this.#ignoreFiles.push(path);
  }

  #isSame(path: string, file: StagedFile): boolean {
    const stats = this.#stat(path);
    if (indexMode(stats) !== file.mode) return false;
    if (isUnchanged(stats, file.seen)) return true;
    if (file.seen !== undefined && file.seen.size !== stats.size) return false;
    this.#readBytes += stats.size;
    if (this.#readBytes > MAX_READ_BYTES) throw new Doubt();
    const read = readContent(this.#place(path));
    if (read === undefined) throw new Doubt();
    // Every blob was hashed by git, which refuses what the known attacks on SHA-1 make: one id is one content here.
    if (objectId('blob', read.content, this.#worktree.objectFormat) !== file.id) return false;
    file.seen = read.seen;
    return true;
  }

  #stat(path: string): Stats {
    const stats = lstatSync(this.#place(path), { throwIfNoEntry: false });
    if (stats === undefined) throw new Doubt();
    return stats;
  }

  /** Asks for one level of directories after the other: git does not look into an ignored one. */
  async #findUntracked(): Promise<readonly string[]> {
    const untracked: string[] = [];
    while (this.#files.length + this.#directories.length > 0) {
      const [files, directories] = [this.#files, this.#directories];
      [this.#files, this.#directories] = [[], []];
      const isIgnored = await this.#askIgnored([...directories, ...files]);
      for (const [index, path] of files.entries())
        if (isIgnored[directories.length + index] !== true) untracked.push(path);
      for (const [index, path] of directories.entries()) {
        await this.#pause();
        if (isIgnored[index] === true) await this.#walkIgnored(path);
        else this.#compare(`${path}/`, NOTHING_STAGED);
      }
      if (untracked.length > MAX_FOUND) throw new Doubt();
    }
    return untracked;
  }

  async #askIgnored(paths: readonly string[]): Promise<readonly boolean[]> {
    if (this.#ignoreFiles.length === 0) return paths.map(() => false);
    return this.#worktree.askIgnored(paths, this.#ignoreFiles).catch(() => {
      throw new Doubt();
    });
  }

  async #walkIgnored(directory: string): Promise<void> {
    const open = [directory];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      await this.#pause();
      for (const entry of this.#list(`${path}/`, isGitNameInBytes))
        if (entry.isDirectory()) open.push(`${path}/${entry.name}`);
    }
  }

  async #pause(): Promise<void> {
    if (performance.now() - this.#resumed < MAX_PAUSE_MS) return;
    await immediate();
    this.#resumed = performance.now();
  }

  #place(path: string): Buffer {
    return Buffer.from(this.#root + path, 'latin1');
  }
}

const NOTHING_STAGED: StagedDirectory = { files: new Map(), directories: new Map(), id: undefined };

/** Files that begin like git's own and mean nothing special to it; its ignore files are asked for. */
const PLAIN_GIT_NAMES = new Set(['.gitignore', '.gitkeep', '.github', '.gitlab', '.gitlab-ci.yml', '.gitea']);

/**
 * Whether git, on any system, may take a name for more than a name: its own files in any spelling, with streams, other
 * separators, short names of Windows or letters that some systems drop. Pure; a name is bytes, one character each.
 *
 * @internal
 */
export function isDoubtfulName(name: string): boolean {
  if (!/git|[~:\\\x80-\xff]/i.test(name) || PLAIN_GIT_NAMES.has(name)) return false;
  if (/^\.git|[\\:]|~\d/i.test(name)) return true;
  const ascii = name.replaceAll(/[\x80-\xff]/g, '');
  return isGitNameInBytes(name) || (ascii !== name && /git/i.test(ascii));
}

function isGitNameInBytes(name: string): boolean {
  return isGitName(Buffer.from(name, 'latin1').toString());
}
