import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError, messageOf } from '../../errors.ts';
import { exists } from '../../system/files.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { type Git, openGit } from '../git.ts';
import { visible } from '../remote-address.ts';

/** The longest that one fetch takes. Milliseconds. */
const DEADLINE_MS = 10 * 60_000;
/** Copies that nobody used for so long are removed; none is in use for more than some hours. Milliseconds. */
const UNUSED_MS = 7 * 86_400_000;
/** A host's message is cut after this. Characters. */
const MAX_MESSAGE_LENGTH = 500;

/** Where a commit of a submodule may be found. */
export interface ModuleSource {
  readonly commit: string;
  /** A normalized address; see {@link moduleAddress}. */
  readonly address: string;
  /** A repository on this machine in which the same person has fetched it already. */
  readonly near: string | undefined;
}

/**
 * choo's copies of submodules, one for each commit: bare repositories without history, hooks, settings or remotes. Each
 * appears whole, by a rename, and is never written again.
 */
export class ModuleCopies {
  /** Closed to other users, as what is above it. */
  readonly directory: string;
  readonly #searchPath: string;

  constructor(directory: string, searchPath: string) {
    this.directory = directory;
    this.#searchPath = searchPath;
  }

  /**
   * Returns the directory of a copy, fetched if there is none yet. It reads the nearer place first, without credentials in any
   * case. Throws a ChooError (`environment`) when neither has the commit.
   */
  async find({ commit, address, near }: ModuleSource, signal: AbortSignal | undefined): Promise<string> {
    const name = createHash('sha256').update(address).digest('hex').slice(0, 24);
    const copy = join(this.directory, `${name}-${commit}`);
    if (await exists(copy)) {
      await utimes(copy, new Date(), new Date());
      return copy;
    }
    await this.#prune();
    const draft = `${copy}.${randomUUID()}`;
    try {
      await this.#make(draft, { commit, address, near }, signal);
      await rename(draft, copy).catch(async (error: unknown) => {
        if (!(await exists(copy))) throw error; // else another one was first
      });
      return copy;
    } finally {
      await removeTree(draft);
    }
  }

  /** git in a copy, for a directory to check it out in. It reaches no network. */
  git(copy: string, workTree: string, indexFile: string, signal: AbortSignal | undefined): Git {
    const settings = { 'core.bare': 'false' };
    return openGit(workTree, this.#searchPath, { gitDirectory: copy, workTree, indexFile, settings, signal });
  }

  async #make(
    draft: string,
    { commit, address, near }: ModuleSource,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const format = `--object-format=${commit.length === 64 ? 'sha256' : 'sha1'}`;
    const options = { gitDirectory: draft, signal };
    const git = openGit(this.directory, this.#searchPath, options);
    await git.run('init', '--bare', '--quiet', '--template=', format);
    const isNear = near !== undefined && (await exists(near));
    const transports = address.startsWith('/') ? ['file'] : ['https', 'http', 'ssh'];
    if (isNear && (await this.#fetch(draft, near, { commit, transports: ['file'], signal })) === undefined)
      return;
    const failure = await this.#fetch(draft, address, { commit, transports, signal });
    if (failure === undefined) return;
    throw new ChooError(
      'environment',
      `commit ${commit.slice(0, 12)} cannot be fetched from ${address}: ${failure}`,
      {
        hint: 'choo fetches submodules without credentials: they must be readable by anyone, or be initialised in your own clone',
      },
    );
  }

  /** Returns why it did not work, in git's words. */
  async #fetch(
    draft: string,
    from: string,
    {
      commit,
      transports,
      signal,
    }: {
      readonly commit: string;
      readonly transports: readonly string[];
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<string | undefined> {
    const network = { transports };
    const git = openGit(draft, this.#searchPath, {
      gitDirectory: draft,
      network,
      deadlineMs: DEADLINE_MS,
      signal,
    });
    const options = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--depth=1'];
    try {
      await git.run('fetch', ...options, '--', from, `${commit}:refs/choo/commit`);
      return undefined;
    } catch (error) {
      signal?.throwIfAborted();
      return visible(messageOf(error)).slice(0, MAX_MESSAGE_LENGTH);
    }
  }

  async #prune(): Promise<void> {
    for (const name of await readdir(this.directory).catch(() => [])) {
      const path = join(this.directory, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
      if (Date.now() - mtimeMs > UNUSED_MS) await removeTree(path);
    }
  }
}
