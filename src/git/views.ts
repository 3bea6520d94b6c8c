import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../errors.ts';
import { removeTree } from '../system/remove-tree.ts';
import { type Git, openGit } from './git.ts';
import { unlessAborted } from './shared-task.ts';

/** A view with more packs is packed again into one. */
const MAX_PACKS = 50;
/** How far back in history an ancestor's view is searched for. Commits. */
const MAX_DISTANCE = 2_000;
/** Retained views, which new ones can start from. */
const MAX_VIEWS = 50;
/** Time limit of packing. Milliseconds. */
const MAX_PACKING_MS = 10 * 60_000;
/** A draft older than this is abandoned. Milliseconds. */
const ABANDONED_MS = 2 * MAX_PACKING_MS;
/** Attempts when a view is removed while it is used. */
const MAX_ATTEMPTS = 3;

const DRAFT_PREFIX = '.draft-';
/** Reuses existing deltas and searches for no new ones, which is what makes packing slow. */
const PACK_SETTINGS = { 'pack.window': '0', 'pack.threads': '1' };

interface ViewOptions {
  /** The bare repository and its object directory. */
  readonly gitDirectory: string;
  readonly objects: string;
  /** The directory of views, on the same file system as their users. */
  readonly home: string;
  readonly searchPath: string;
  /** Whether objects missing from the history, as in a partial clone, are left out of the view. Otherwise an error. */
  readonly mayLackObjects: boolean;
}

/**
 * Views: packs with exactly what is reachable from a commit. A sandbox sees these instead of the repository with all its
 * branches, what was reverted from them and the work of others. The view of a commit links the packs of an ancestor's
 * view and adds one pack with what is new. Concurrent calls and processes do not disturb each other: a view appears
 * whole or not at all.
 */
export class Views {
  readonly #options: ViewOptions;
  readonly #git: Git;
  readonly #making = new Map<string, Promise<void>>();

  constructor(options: ViewOptions) {
    this.#options = options;
    const { gitDirectory, objects, searchPath } = options;
    this.#git = openGit(gitDirectory, searchPath, { gitDirectory, objects });
  }

  /**
   * Links the packs of a commit's view into a directory. `since`: an ancestor that probably has a view. The signal ends
   * only the waiting, since others may wait for the same view.
   */
  async linkInto(
    directory: string,
    commit: string,
    { since, signal }: { readonly since?: string; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      await unlessAborted(this.#ensure(commit, since), signal);
      try {
        return await linkPacks(this.#packsOf(commit), directory);
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !isMissing(error)) throw error; // another process removed it
      }
    }
  }

  /** Removes the views not used lately and abandoned drafts. Worktrees that linked one keep its packs. */
  async prune(): Promise<void> {
    const found = await Promise.all(
      (await namesIn(this.#options.home)).map(async (name) => {
        const { mtimeMs } = await stat(join(this.#options.home, name)).catch(() => ({ mtimeMs: 0 }));
        return { name, mtimeMs };
      }),
    );
    const views = found
      .filter(({ name }) => !name.startsWith(DRAFT_PREFIX))
      .sort((a, b) => b.mtimeMs - a.mtimeMs);
    const drafts = found.filter(
      ({ name, mtimeMs }) => name.startsWith(DRAFT_PREFIX) && Date.now() - mtimeMs > ABANDONED_MS,
    );
    for (const { name } of [...views.slice(MAX_VIEWS), ...drafts]) {
      const removed = join(this.#options.home, `${DRAFT_PREFIX}${randomUUID()}`); // so a view is whole or missing
      await rename(join(this.#options.home, name), removed).catch(() => {}); // another process was first
      await removeTree(removed);
    }
  }

  #packsOf(commit: string): string {
    return join(this.#options.home, commit, 'pack');
  }

  async #ensure(commit: string, since: string | undefined): Promise<void> {
    let making = this.#making.get(commit);
    if (making === undefined) {
      making = this.#make(commit, since).finally(() => this.#making.delete(commit));
      this.#making.set(commit, making);
    }
    return making;
  }

  async #make(commit: string, since: string | undefined): Promise<void> {
    const now = new Date();
    const view = join(this.#options.home, commit);
    const isThere = await utimes(view, now, now).then(
      () => true,
      () => false,
    );
    if (isThere) return;
    const draft = join(this.#options.home, `${DRAFT_PREFIX}${randomUUID()}`);
    const packs = join(draft, 'pack');
    await mkdir(packs, { recursive: true });
    try {
      const base = await this.#findBase(commit, since);
      const isBegun = base !== undefined && (await this.#begin(base, packs));
      await this.#pack([commit, ...(isBegun ? [`^${base}`] : [])], draft);
      await rename(draft, view);
    } catch (error) {
      await removeTree(draft);
      if ((await namesIn(join(view, 'pack'))).length === 0) throw error; // otherwise another process was first
    }
  }

  /** The nearest ancestor that has a view. */
  async #findBase(commit: string, since: string | undefined): Promise<string | undefined> {
    const existing = new Set(
      (await namesIn(this.#options.home)).filter((name) => !name.startsWith(DRAFT_PREFIX)),
    );
    if (since !== undefined && existing.has(since)) return since;
    if (existing.size === 0) return undefined;
    const ancestors = await this.#git.run('rev-list', `--max-count=${MAX_DISTANCE}`, commit);
    return ancestors.split('\n').find((ancestor) => existing.has(ancestor));
  }

  /** Links the packs of another view into a new one. False when that is not possible. */
  async #begin(base: string, packs: string): Promise<boolean> {
    try {
      const existing = await readdir(this.#packsOf(base));
      if (existing.filter((name) => name.endsWith('.pack')).length >= MAX_PACKS) return false;
      await linkPacks(this.#packsOf(base), packs);
      return true;
    } catch (error) {
      if (!isMissing(error)) throw error;
      await rm(packs, { recursive: true, force: true });
      await mkdir(packs);
      return false;
    }
  }

  /** Packs what the revisions reach (`^` excludes) into an object directory. */
  async #pack(revisions: readonly string[], directory: string): Promise<void> {
    const { gitDirectory, objects, searchPath, mayLackObjects } = this.#options;
    // git writes its temporary files beside the pack, not into an object directory that may be the user's.
    const gitOptions = { gitDirectory, objects: directory, settings: PACK_SETTINGS };
    const information = join(directory, 'info');
    await mkdir(information);
    await writeFile(join(information, 'alternates'), `${objects}\n`);
    const options = ['--revs', '--quiet', '--non-empty', ...(mayLackObjects ? ['--missing=allow-any'] : [])];
    await using packing = await openGit(gitDirectory, searchPath, gitOptions).start(
      'pack-objects',
      ...options,
      join(directory, 'pack/pack'),
    );
    const late = setTimeout(() => void packing[Symbol.asyncDispose](), MAX_PACKING_MS);
    packing.stdout.resume(); // the names of the packs
    packing.stdin.end(revisions.map((revision) => `${revision}\n`).join(''));
    const { exitCode, stderr } = await packing.ended;
    clearTimeout(late);
    await rm(information, { recursive: true });
    if (exitCode !== 0)
      throw new ChooError('git', `git pack-objects failed: ${stderr || `exit ${exitCode ?? 'by signal'}`}`);
  }
}

/** Links packs into another directory, each index after its pack. An existing file has the same content. */
async function linkPacks(from: string, into: string): Promise<void> {
  const names = await readdir(from);
  const packsFirst = names.toSorted((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx')));
  for (const name of packsFirst)
    await link(join(from, name), join(into, name)).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
