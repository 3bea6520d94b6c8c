import { randomUUID } from 'node:crypto';
import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../../errors.ts';
import { removeTree } from '../../system/remove-tree.ts';
import type { Git } from '../git.ts';
import { describeExcess, measureCheckout, type CheckoutSize } from '../objects/checkout-size.ts';
import { ObjectReader } from '../objects/object-reader.ts';
import { parentsOf } from '../objects/path-list.ts';
import { treeOf } from '../objects/tree-object.ts';
import type { Repository } from '../repository.ts';
import { moduleAddress } from './module-address.ts';
import { listSubmodules } from './module-list.ts';

/** Submodules of submodules of …: git itself knows no bound. */
const MAX_DEPTH = 5;
/** Of one commit, in all depths. */
const MAX_MODULES = 200;

interface CheckedOut {
  /** From the root of the worktree. */
  readonly path: string;
  readonly commit: string;
  readonly git: Git;
}

/** A commit whose submodules are checked out, and where they are from. */
interface Level {
  readonly git: Git;
  readonly reader: ObjectReader;
  readonly commit: string;
  readonly namedAt: string;
  readonly remote: string;
  /** The directory in which a person's git keeps the repositories of its submodules. */
  readonly near: string | undefined;
  readonly path: string;
  readonly depth: number;
}

/**
 * The files of a worktree's submodules: plain directories without a `.git`, so that git in the worktree sees gitlinks that
 * never change. choo reads and writes them by indexes of its own, outside of every sandbox.
 */
export class CheckedOutModules implements AsyncDisposable {
  readonly #worktree: string;
  readonly #indexes: string;
  /** Outer ones first. */
  readonly #modules: CheckedOut[] = [];
  #size: CheckoutSize = { entries: 0, bytes: 0 };

  private constructor(worktree: string, indexes: string) {
    this.#worktree = worktree;
    this.#indexes = indexes;
  }

  /**
   * Fetches the submodules of a commit that was just checked out and fills their directories; no command has run there yet.
   * `namedAt`: the commit whose `.gitmodules` names them. Throws a ChooError: `environment` for one that is refused or not
   * there, `limit` for too much.
   */
  static async checkOut(
    worktree: string,
    repository: Repository,
    {
      commit,
      namedAt,
      signal,
    }: { readonly commit: string; readonly namedAt: string; readonly signal: AbortSignal },
  ): Promise<CheckedOutModules> {
    const { git, reader, moduleCopies } = repository;
    const indexes = join(moduleCopies.directory, `indexes.${randomUUID()}`);
    const modules = new CheckedOutModules(worktree, indexes);
    try {
      const origin = await repository.branches.origin();
      const top = { ...origin, git, reader, commit, namedAt, path: '', depth: 0 };
      await modules.#fill(top, repository, signal);
      return modules;
    } catch (error) {
      await modules[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Puts back every file of theirs that was changed or removed. Returns the submodules in which there was one. */
  async putBack(): Promise<readonly string[]> {
    const changed: string[] = [];
    for (const { path, commit, git } of this.#modules) {
      const isThere = await this.#makeDirectory(path);
      await git.ask('update-index', '-q', '--refresh'); // owners change, and with them what the index knows
      const differs = await git.run('ls-files', '-z', '--modified', '--deleted');
      if (isThere && differs === '') continue;
      changed.push(path);
      await git.run('read-tree', '--reset', '-u', commit).catch(async () => {
        await removeTree(join(this.#worktree, path));
        await mkdir(join(this.#worktree, path));
        await git.run('read-tree', '--reset', '-u', commit);
      });
    }
    return changed;
  }

  /** What set-up left in them, ignored or not: paths from the root of the worktree, directories as a whole. */
  async added(): Promise<readonly string[]> {
    const added: string[] = [];
    for (const { path, git } of this.#modules)
      for (const name of (await git.run('ls-files', '-z', '--others', '--directory'))
        .split('\0')
        .slice(0, -1))
        added.push(`${path}/${name.replace(/\/$/, '')}`);
    return added;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.#indexes);
  }

  async #fill(level: Level, repository: Repository, signal: AbortSignal): Promise<void> {
    const found = await listSubmodules(level, level);
    if (found.length === 0) return;
    if (level.depth === MAX_DEPTH || this.#modules.length + found.length > MAX_MODULES)
      throw new ChooError('limit', `the submodules below \`${level.path}\` are too many`, {
        hint: `choo fetches ${MAX_MODULES} at most, ${MAX_DEPTH} inside each other`,
      });
    const { moduleCopies } = repository;
    await mkdir(this.#indexes, { recursive: true, mode: 0o700 });
    for (const { name, path: below, commit, url } of found) {
      const path = level.path === '' ? below : `${level.path}/${below}`;
      const remote = moduleAddress(url, level.remote);
      const near = level.near === undefined ? undefined : join(level.near, name);
      const copy = await moduleCopies.find({ commit, address: remote, near }, signal);
      await this.#makeDirectory(path);
      const index = join(this.#indexes, String(this.#modules.length));
      const git = moduleCopies.git(copy, join(this.#worktree, path), index, signal);
      await using reader = new ObjectReader(git);
      await this.#refuseTooLarge(reader, path, commit);
      await git.run('read-tree', '--reset', '-u', commit);
      this.#modules.push({ path, commit, git });
      const inner = near === undefined ? undefined : join(near, 'modules');
      const depth = level.depth + 1;
      await this.#fill(
        { git, reader, commit, namedAt: commit, remote, near: inner, path, depth },
        repository,
        signal,
      );
    }
  }

  async #refuseTooLarge(reader: ObjectReader, path: string, commit: string): Promise<void> {
    const { entries, bytes } = await measureCheckout(reader, await treeOf(reader, commit));
    this.#size = { entries: this.#size.entries + entries, bytes: this.#size.bytes + bytes };
    const excess = describeExcess(this.#size);
    if (excess === undefined) return;
    throw new ChooError('limit', `with the submodule \`${path}\` what is to be checked out ${excess}`, {
      hint: 'set `checkout.submodules` to false, or remove what no unit needs',
    });
  }

  /** Makes sure that a path is a directory to which no link leads. Returns whether it was. */
  async #makeDirectory(path: string): Promise<boolean> {
    let isThere = true;
    for (const part of [...parentsOf(path), path]) {
      const place = join(this.#worktree, part);
      if ((await lstat(place).catch(() => undefined))?.isDirectory() === true) continue;
      isThere = false;
      await removeTree(place);
      await mkdir(place);
    }
    return isThere;
  }
}
