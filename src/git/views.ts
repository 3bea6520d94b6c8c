import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../errors.ts';
import { removeTree } from '../system/remove-tree.ts';
import { type Git, openGit } from './git.ts';

/** Packs of a view. When there are more, what they hold is packed once more, into one. */
const MAX_PACKS = 50;
/** How far back in history a view is looked for that a new one can begin with. Commits. */
const MAX_DISTANCE = 2_000;
/** Views that are kept for others to begin with. */
const KEPT = 50;
/** Longer, git does not pack. Milliseconds. */
const MAX_PACKING_MS = 10 * 60_000;
/** A view that is being made this long is nobody's any more. Milliseconds. */
const ABANDONED_MS = 2 * MAX_PACKING_MS;
/** How often it is tried again when a view goes while it is used. */
const TRIES = 3;

const DRAFT = '.draft-';
/** Deltas that are there are taken over and no new ones are looked for: that is what makes packing slow. */
const SETTINGS = { 'pack.window': '0', 'pack.threads': '1' };

interface Place {
  /** The bare repository, and where its objects are. */
  readonly gitDirectory: string;
  readonly objects: string;
  /** Where views are kept, on the file system where they are used. */
  readonly home: string;
  readonly searchPath: string;
  /** What a history lacks, as a partial clone's does, its view lacks too; else it is an error. */
  readonly mayLackObjects: boolean;
}

/**
 * What can be reached from a commit and nothing else, as packs: a sandbox is shown these, and not the repository with all
 * its branches, what was taken back from them, and the work of others. The view of a commit begins with the packs of an
 * ancestor's, by links, and adds one with what came since. Any number may ask at once, and processes do not disturb each
 * other: a view appears whole, or not at all.
 */
export class Views {
  readonly #place: Place;
  readonly #git: Git;
  readonly #making = new Map<string, Promise<void>>();

  constructor(place: Place) {
    this.#place = place;
    const { gitDirectory, objects } = place;
    this.#git = openGit(gitDirectory, place.searchPath, { gitDirectory, objects });
  }

  /**
   * Links the packs of a commit's view into a directory. `since`: an ancestor whose view is there, most likely. The signal
   * ends the waiting; others may wait for the same view.
   */
  async linkInto(
    directory: string,
    commit: string,
    { since, signal }: { readonly since?: string; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      signal?.throwIfAborted();
      await unlessAborted(this.#ensure(commit, since), signal);
      try {
        return await linkPacks(this.#packsOf(commit), directory);
      } catch (error) {
        if (tries >= TRIES || !isMissing(error)) throw error; // another process removed it
      }
    }
  }

  /** Removes the views that were not used lately, and what was left half made. Whoever has one linked keeps it. */
  async prune(): Promise<void> {
    const found = await Promise.all(
      (await namesIn(this.#place.home)).map(async (name) => {
        const { mtimeMs } = await stat(join(this.#place.home, name)).catch(() => ({ mtimeMs: 0 }));
        return { name, mtimeMs };
      }),
    );
    const views = found.filter(({ name }) => !name.startsWith(DRAFT)).sort((a, b) => b.mtimeMs - a.mtimeMs);
    const drafts = found.filter(
      ({ name, mtimeMs }) => name.startsWith(DRAFT) && Date.now() - mtimeMs > ABANDONED_MS,
    );
    for (const { name } of [...views.slice(KEPT), ...drafts]) {
      const going = join(this.#place.home, `${DRAFT}${randomUUID()}`); // it is there whole, or not at all
      await rename(join(this.#place.home, name), going).catch(() => {}); // another process was first
      await removeTree(going);
    }
  }

  #packsOf(commit: string): string {
    return join(this.#place.home, commit, 'pack');
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
    const view = join(this.#place.home, commit);
    const isThere = await utimes(view, now, now).then(
      () => true,
      () => false,
    );
    if (isThere) return;
    const draft = join(this.#place.home, `${DRAFT}${randomUUID()}`);
    const packs = join(draft, 'pack');
    await mkdir(packs, { recursive: true });
    try {
      const base = await this.#findBase(commit, since);
      const isBegun = base !== undefined && (await this.#begin(base, packs));
      await this.#pack([commit, ...(isBegun ? [`^${base}`] : [])], draft);
      await rename(draft, view);
    } catch (error) {
      await removeTree(draft);
      if ((await namesIn(join(view, 'pack'))).length === 0) throw error; // else another process was first
    }
  }

  /** The nearest ancestor that has a view. */
  async #findBase(commit: string, since: string | undefined): Promise<string | undefined> {
    const there = new Set((await namesIn(this.#place.home)).filter((name) => !name.startsWith(DRAFT)));
    if (since !== undefined && there.has(since)) return since;
    if (there.size === 0) return undefined;
    const ancestors = await this.#git.run('rev-list', `--max-count=${MAX_DISTANCE}`, commit);
    return ancestors.split('\n').find((ancestor) => there.has(ancestor));
  }

  /** Whether a new view begins with the packs of another one. */
  async #begin(base: string, packs: string): Promise<boolean> {
    try {
      const there = await readdir(this.#packsOf(base));
      if (there.filter((name) => name.endsWith('.pack')).length >= MAX_PACKS) return false;
      await linkPacks(this.#packsOf(base), packs);
      return true;
    } catch (error) {
      if (!isMissing(error)) throw error;
      await rm(packs, { recursive: true, force: true });
      await mkdir(packs);
      return false;
    }
  }

  /** Packs what is reachable from some commits and not from others into a directory of objects. */
  async #pack(revisions: readonly string[], directory: string): Promise<void> {
    const { gitDirectory, objects, searchPath, mayLackObjects } = this.#place;
    // What git writes meanwhile lies beside the pack, and not among objects that may be somebody else's.
    const place = { gitDirectory, objects: directory, settings: SETTINGS };
    const information = join(directory, 'info');
    await mkdir(information);
    await writeFile(join(information, 'alternates'), `${objects}\n`);
    const words = ['--revs', '--quiet', '--non-empty', ...(mayLackObjects ? ['--missing=allow-any'] : [])];
    await using packing = await openGit(gitDirectory, searchPath, place).start(
      'pack-objects',
      ...words,
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

/** Links the packs of one directory into another, each index after its pack; what is there already is the same. */
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

async function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
