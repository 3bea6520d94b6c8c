import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChooError } from '../errors.ts';
import { removeTree, unlock } from '../system/remove-tree.ts';
import { type Git, openGit } from './git.ts';
import { distrustRecentTimes } from './objects/index-file.ts';
import { encodeName } from './objects/tree-format.ts';
import type { Repository } from './repository.ts';
import { WorktreeView } from './worktree-view.ts';

/** Makes and removes the worktrees of one repository. */
export class WorktreeManager {
  readonly #repository: Repository;
  readonly #searchPath: string;

  constructor(repository: Repository, searchPath: string) {
    this.#repository = repository;
    this.#searchPath = searchPath;
  }

  /**
   * A worktree at a commit. Its name must be new; it holds the claim, so that no two workers ever share one. The few files
   * that make a directory a worktree are written here: `git worktree add` may not run twice at once. `isolated`: git inside
   * sees what can be reached from its commit, where the repository can keep the rest from it, and not all that is there.
   */
  async create(
    name: string,
    commit: string,
    { isolated = false, signal }: { readonly isolated?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<Worktree> {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
      throw new ChooError('internal', `\`${name}\` cannot be a worktree's name`);
    const { git, objects, worktrees, views, readable } = this.#repository;
    const path = join(worktrees, name);
    const administration = join(git.directory, 'worktrees', name);
    await mkdir(path).catch(async (cause: unknown) => {
      if (!(await exists(path))) throw cause;
      throw new ChooError('conflict', `there is a worktree at ${path} already`, { cause });
    });
    await removeTree(administration);
    await mkdir(administration, { recursive: true });
    const place = {
      gitDirectory: administration,
      workTree: path,
      objects,
      indexFile: indexOf(administration),
    };
    const view =
      isolated && views !== undefined
        ? new WorktreeView(join(administration, VIEW), { views, bare: git.directory }, signal)
        : undefined;
    const worktree = new Worktree(administration, openGit(path, this.#searchPath, place), {
      objectFormat: commit.length === 64 ? 'sha256' : 'sha1',
      view,
      readable: view === undefined ? readable : [administration],
    });
    try {
      await worktree.checkOut(commit);
      return worktree;
    } catch (error) {
      await worktree.remove();
      throw error;
    }
  }

  /**
   * Removes what stands below the worktrees' directory, whoever left it, but not what was kept; `only` what that says yes to.
   * Returns the names.
   */
  async removeLeftovers({
    keptToo = false,
    only = () => true,
  }: { readonly keptToo?: boolean; readonly only?: (name: string) => boolean } = {}): Promise<
    readonly string[]
  > {
    const { git, worktrees } = this.#repository;
    const administrations = join(git.directory, 'worktrees');
    const names = await readdir(worktrees);
    const known = await readdir(administrations).catch(() => []);
    const kept = new Set<string>();
    for (const name of keptToo ? [] : known)
      if (names.includes(name) && (await exists(keptMark(join(administrations, name))))) kept.add(name);
    for (const name of known)
      if (!kept.has(name) && only(name)) await removeTree(join(administrations, name));
    const going = names.filter((name) => !kept.has(name) && only(name));
    for (const name of going) await removeTree(join(worktrees, name));
    return going;
  }
}

/** choo's own index of a worktree, beside the one that git inside the worktree uses. */
function indexOf(administration: string): string {
  return join(administration, 'choo-index');
}

/** git's own mark for a worktree that must stay: `git worktree prune` passes it by as well. */
function keptMark(administration: string): string {
  return join(administration, 'locked');
}

/** Where the view of an isolated worktree lies in it. */
const VIEW = 'view';

/** The files that make a directory a worktree. What else git keeps there is of a merge or a rebase under way. */
const LASTING = new Set(['HEAD', 'choo-index', 'commondir', 'gitdir', 'index', 'locked', VIEW]);

/**
 * One checkout, in which others write. What choo's git goes by lies outside: the directory of the repository, and an
 * index of its own, where nobody can mark files as unchanged. Call nothing here before nested repositories are gone.
 */
export class Worktree {
  readonly path: string;
  /** What a sandbox must be able to read for git to work inside. */
  readonly readable: readonly string[];
  readonly #administration: string;
  readonly #git: Git;
  readonly #objectFormat: string;
  readonly #view: WorktreeView | undefined;

  /** `git` works in the worktree with an index of its own; `administration` is what git keeps of it. */
  constructor(
    administration: string,
    git: Git,
    {
      objectFormat,
      readable,
      view,
    }: Pick<Worktree, 'readable'> & {
      readonly objectFormat: string;
      readonly view: WorktreeView | undefined;
    },
  ) {
    this.path = git.directory;
    this.readable = readable;
    this.#administration = administration;
    this.#git = git;
    this.#objectFormat = objectFormat;
    this.#view = view;
  }

  /** Fills a new worktree. */
  async checkOut(commit: string): Promise<void> {
    await this.#pointTo(commit);
    await this.#git.run('read-tree', '--reset', '-u', commit);
    await this.#secureIndex();
    await this.#shareIndex();
  }

  /** Writes everything that is not ignored as a tree and returns its id. What is there afterwards is measured against it. */
  async stage(): Promise<string> {
    await this.#git.run('add', '--all');
    const tree = (await this.#git.run('write-tree')).trim();
    await this.#secureIndex();
    return tree;
  }

  /** The same after forgetting what was staged, so that what is ignored now is left out though it was not before. */
  async stageAnew(tree: string): Promise<string> {
    await this.#git.run('read-tree', tree);
    return this.stage();
  }

  /** Undoes every change since the last {@link stage}, except in what is ignored. Returns the paths. */
  async discardChanges(): Promise<readonly string[]> {
    const words = ['-z', '--modified', '--deleted', '--others', '--exclude-standard'];
    const listed = await this.#git.run('ls-files', ...words);
    if (listed === '') return [];
    await this.#restoring(async () => {
      await this.#git.run('checkout-index', '--force', '--all', '--index', '--quiet');
      // Not by the list: the ignore files that it went by may have been changed to hide something.
      await this.#git.run('clean', '--force', '--force', '-d', '--quiet');
    });
    return [...new Set(listed.split('\0').slice(0, -1))];
  }

  /** Makes these paths what they are in a tree, there and in the index. */
  async putBack(tree: string, paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    // A path stands for what is below it as well, and git refuses one that matches nothing any more.
    const all = new Set(paths);
    const tops = paths.filter((path) => !parentsOf(path).some((parent) => all.has(parent)));
    const list = `${indexOf(this.#administration)}.paths`;
    await writeFile(list, Buffer.concat(tops.flatMap((path) => [encodeName(path), Buffer.of(0)])));
    const from = [`--pathspec-from-file=${list}`, '--pathspec-file-nul'];
    try {
      await this.#restoring(() =>
        this.#git.run('restore', `--source=${tree}`, '--staged', '--worktree', '--quiet', ...from),
      );
      await this.#secureIndex();
    } finally {
      await rm(list, { force: true });
    }
  }

  /**
   * Writes a regular file that is part of the last staged tree, and stages it. Throws a ChooError (`conflict`) where there
   * is anything else, or a link on the way.
   */
  async write(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    if (files.size === 0) return;
    const root = await realpath(this.path);
    for (const [path, content] of files) {
      const place = join(this.path, path);
      const real = await realpath(dirname(place)).catch(() => undefined);
      const there = await lstat(place).catch(() => undefined);
      const inside = join(root, path).startsWith(`${root}/`) && real === dirname(join(root, path));
      if (!inside || there?.isFile() === false)
        throw new ChooError('conflict', `\`${path}\` is not a file of the worktree any more`);
      // A new file, for the old one may have other names as well.
      await rm(place, { force: true });
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
      await using handle = await open(place, flags, there?.mode ?? 0o644);
      await handle.writeFile(content);
    }
    await this.#git.run('update-index', '--add', '--', ...files.keys());
    await this.#secureIndex();
  }

  /** Makes git inside the worktree see this commit, and what is staged, whatever was done there. */
  async advance(commit: string): Promise<void> {
    for (const name of await readdir(this.#administration))
      if (!LASTING.has(name)) await removeTree(join(this.#administration, name));
    await this.#pointTo(commit);
    await this.#shareIndex();
  }

  /** Leaves it for a person to look at; `removeLeftovers` passes it by. */
  async keep(): Promise<void> {
    await writeFile(keptMark(this.#administration), 'choo keeps it for you to look at\n');
  }

  async remove(): Promise<void> {
    await removeTree(this.path);
    await removeTree(this.#administration);
  }

  /** Tries again with every directory open to writing. */
  async #restoring(restore: () => Promise<unknown>): Promise<void> {
    try {
      await restore();
    } catch {
      await unlock(this.path);
      await restore();
    }
  }

  async #pointTo(commit: string): Promise<void> {
    await this.#view?.show(commit);
    const link = join(this.path, '.git');
    const content = `gitdir: ${this.#administration}\n`;
    const there = await lstat(link).catch(() => undefined);
    if (there?.isFile() !== true || (await readFile(link, 'utf8')) !== content) {
      await removeTree(link);
      await writeFile(link, content, { flag: 'wx' });
    }
    const commondir = this.#view === undefined ? '../..\n' : `${VIEW}\n`;
    const files = { gitdir: `${link}\n`, commondir, HEAD: `${commit}\n` };
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.#administration, name), text);
  }

  async #shareIndex(): Promise<void> {
    await copyFile(indexOf(this.#administration), join(this.#administration, 'index'));
  }

  async #secureIndex(): Promise<void> {
    await distrustRecentTimes(indexOf(this.#administration), this.#objectFormat);
  }
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
