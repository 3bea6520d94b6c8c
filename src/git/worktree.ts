import { copyFile, lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChooError } from '../errors.ts';
import { exists } from '../system/files.ts';
import { removeTree } from '../system/remove-tree.ts';
import { type Git, openGit } from './git.ts';
import { fetchContents } from './lfs/commit-contents.ts';
import { refuseTooLarge } from './objects/checkout-size.ts';
import { listIgnored } from './objects/ignored-files.ts';
import { smudgeRacyEntries } from './objects/index-file.ts';
import { stageAll } from './objects/staging.ts';
import type { Repository } from './repository.ts';
import { discardByGit, restoreByGit } from './staging/by-git.ts';
import type { Look } from './staging/look.ts';
import { removeNestedRepositories } from './staging/nested-repositories.ts';
import { StagedFiles } from './staging/staged-files.ts';
import { writeFilesBelow } from './staging/write-files.ts';
import { ADMINISTRATIVE_FILES, indexOf, keptMark, VIEW_DIRECTORY } from './staging/administration.ts';
import { WorktreeView } from './worktree-view.ts';

/** Holds a directory for each worktree with what its commands have besides, beside the directory of worktrees. */
export const BESIDE = 'beside';

interface WorktreeOptions {
  readonly isolated?: boolean;
  readonly lfs?: boolean;
  readonly signal?: AbortSignal;
}

/** Makes and removes the worktrees of one repository. */
export class WorktreeManager {
  readonly #repository: Repository;
  readonly #searchPath: string;

  constructor(repository: Repository, searchPath: string) {
    this.#repository = repository;
    this.#searchPath = searchPath;
  }

  /**
   * Creates a worktree at a commit. Its name must be new; it contains the claim, so no two workers ever share one. Writes
   * the administrative files itself, because `git worktree add` may not run twice at once. `isolated`: its commands have a
   * directory beside it, and git inside sees only what is reachable from its commit, unless the repository has no views.
   * Its git ends with the signal. `lfs`: it has the contents of files of Git LFS in place of their pointers. Throws a ChooError
   * (`limit`) when the commit is too large; see {@link fetchContents}.
   */
  async create(
    name: string,
    commit: string,
    { isolated = false, lfs = false, signal }: WorktreeOptions = {},
  ): Promise<Worktree> {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
      throw new ChooError('internal', `\`${name}\` cannot be a worktree's name`);
    const { git, objects, reader, worktrees, views, readable } = this.#repository;
    await refuseTooLarge(reader, commit);
    const path = join(worktrees, name);
    const administration = join(git.directory, 'worktrees', name);
    await mkdir(path).catch(async (cause: unknown) => {
      if (!(await exists(path))) throw cause;
      throw new ChooError('conflict', `there is a worktree at ${path} already`, { cause });
    });
    const beside = join(dirname(worktrees), BESIDE, name);
    for (const left of [administration, beside]) await removeTree(left);
    await mkdir(administration, { recursive: true });
    if (isolated) await mkdir(beside, { recursive: true, mode: 0o711 });
    const gitOptions = {
      gitDirectory: administration,
      workTree: path,
      objects,
      indexFile: indexOf(administration),
      settings: lfs ? this.#repository.lfs.settings : {},
      signal,
    };
    const view =
      isolated && views !== undefined
        ? new WorktreeView(join(administration, VIEW_DIRECTORY), { views, bare: git.directory }, signal)
        : undefined;
    const worktree = new Worktree(administration, openGit(path, this.#searchPath, gitOptions), {
      objectFormat: commit.length === 64 ? 'sha256' : 'sha1',
      view,
      repository: this.#repository,
      beside: isolated ? beside : undefined,
      signal,
      fetchContents: async (of) => lfs && fetchContents(this.#repository, of, this.#searchPath, signal),
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
   * Removes everything in the worktrees' directory, except kept worktrees (unless `keptToo`) and names for which `only`
   * returns false. Returns the removed names.
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
    const kept = new Set<string>();
    for (const name of keptToo ? [] : names)
      if (await exists(keptMark(join(administrations, name)))) kept.add(name);
    // The worktree last: by its name the rest is found.
    for (const directory of [administrations, join(dirname(worktrees), BESIDE), worktrees])
      for (const name of await readdir(directory).catch(() => []))
        if (!kept.has(name) && only(name)) await removeTree(join(directory, name));
    return names.filter((name) => !kept.has(name) && only(name));
  }
}

/**
 * One checkout, in which agents write. choo's git uses only what lies outside: the repository's directory, and choo's own
 * index, where no agent can mark files as unchanged. Remove nested repositories before any call here.
 */
export class Worktree {
  readonly path: string;
  /** What a sandbox must be able to read for git to work inside. */
  readonly readable: readonly string[];
  /** A directory of its own on the same file system, removed with it. Undefined: it is not isolated. */
  readonly beside: string | undefined;
  readonly #administration: string;
  readonly #git: Git;
  readonly #objectFormat: string;
  readonly #view: WorktreeView | undefined;
  readonly #files: StagedFiles;
  readonly #signal: AbortSignal | undefined;
  readonly #fetchContents: (commit: string) => Promise<unknown>;

  /** `git` works in the worktree with choo's index; `administration` is git's administrative directory of it. */
  constructor(
    administration: string,
    git: Git,
    {
      objectFormat,
      readable,
      beside,
      view,
      fetchContents,
      repository,
      signal,
    }: Pick<Worktree, 'readable' | 'beside'> & {
      readonly repository: Repository;
      readonly signal: AbortSignal | undefined;
      readonly objectFormat: string;
      readonly view: WorktreeView | undefined;
      readonly fetchContents: (commit: string) => Promise<unknown>;
    },
  ) {
    this.path = git.directory;
    this.readable = readable;
    this.beside = beside;
    this.#administration = administration;
    this.#git = git;
    this.#objectFormat = objectFormat;
    this.#view = view;
    this.#signal = signal;
    this.#fetchContents = fetchContents;
    this.#files = new StagedFiles({
      git,
      indexFile: indexOf(administration),
      objectFormat,
      writer: repository.writer,
      repository: repository.git.directory,
    });
  }

  /** Fills a new worktree. */
  async checkOut(commit: string): Promise<void> {
    await this.#fetchContents(commit);
    await this.#pointTo(commit);
    await this.#byGit(async () => this.#git.run('read-tree', '--reset', '-u', commit));
    await this.#shareIndex();
  }

  /**
   * Looks at what is there. Where there may be more than plain files, removes what could make git run programs or wait for
   * ever, and leaves the look to git. Call it before {@link stage} and {@link discardChanges} after a sandboxed command.
   */
  async look(): Promise<Look> {
    const found = await this.#files.look();
    return { found, removed: found === undefined ? await removeNestedRepositories(this.path) : [] };
  }

  /** Stages everything not ignored; see {@link stageAll}. Returns the tree's id. */
  async stage(look?: Look): Promise<string> {
    const found = look === undefined ? await this.#files.look() : look.found;
    const tree = found === undefined ? undefined : await this.#files.stage(found);
    return tree ?? this.#byGit(async () => this.#stageByGit());
  }

  /** Stages again from a tree: newly ignored files are left out, and every file is read with the attributes that there are now. */
  async restage(tree: string): Promise<string> {
    return this.#byGit(async () => {
      await this.#git.run('read-tree', tree);
      return this.#stageByGit();
    });
  }

  async #stageByGit(): Promise<string> {
    return stageAll(this.#git, `${indexOf(this.#administration)}.checkout`);
  }

  async ignored(): Promise<readonly string[]> {
    await this.#files.tell();
    return listIgnored(this.#git);
  }

  /** Undoes every change since the last {@link stage}, except in ignored files. Returns the paths. */
  async discardChanges(look?: Look): Promise<readonly string[]> {
    const found = look === undefined ? await this.#files.look() : look.found;
    const isSame = found !== undefined && Object.values(found).every((paths) => paths.length === 0);
    return isSame ? [] : this.#byGit(async () => discardByGit(this.#git));
  }

  /** Restores these paths from a tree, in the worktree and in the index. */
  async restore(tree: string, paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    const list = `${indexOf(this.#administration)}.paths`;
    await this.#byGit(async () => restoreByGit(this.#git, { tree, paths, list }));
  }

  /**
   * Writes regular files of the last staged tree and stages them. Throws a ChooError (`conflict`) when a path is not a
   * regular file or leads through a link.
   */
  async write(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    if (files.size === 0) return;
    await writeFilesBelow(this.path, files);
    if (!this.#files.stageWritten(files.keys()))
      await this.#byGit(async () => this.#git.run('update-index', '--add', '--', ...files.keys()));
  }

  /** Resets git inside the worktree to this commit and to what is staged, whatever was done there. */
  async advance(commit: string): Promise<void> {
    for (const name of await readdir(this.#administration))
      if (!ADMINISTRATIVE_FILES.has(name)) await removeTree(join(this.#administration, name));
    await this.#pointTo(commit);
    await this.#shareIndex();
  }

  /** Keeps the worktree for a person to inspect; `removeLeftovers` skips it. */
  async lock(): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
    await writeFile(keptMark(this.#administration), 'kept by choo for inspection\n');
  }

  /** Once the signal has aborted, what is too large to be removed in a moment is left to {@link WorktreeManager.removeLeftovers}. */
  async remove(): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
    const signal = this.#signal;
    // The worktree last: by its name the rest is found.
    for (const path of [this.#administration, this.beside, this.path])
      if (path !== undefined)
        await removeTree(path, signal).catch((error: unknown) => {
          if (signal?.aborted !== true) throw error;
        });
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
    const commondir = this.#view === undefined ? '../..\n' : `${VIEW_DIRECTORY}\n`;
    const files = { gitdir: `${link}\n`, commondir, HEAD: `${commit}\n` };
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.#administration, name), text);
  }

  async #shareIndex(): Promise<void> {
    const shared = join(this.#administration, 'index');
    if (!(await this.#files.writeTo(shared))) await copyFile(indexOf(this.#administration), shared);
  }

  /** Runs git commands that read or write choo's index. */
  async #byGit<T>(command: () => Promise<T>): Promise<T> {
    await this.#files.tell();
    try {
      const result = await command();
      await smudgeRacyEntries(indexOf(this.#administration), this.#objectFormat);
      return result;
    } finally {
      await this.#files.learn();
    }
  }
}
