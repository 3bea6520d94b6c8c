import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ChooError, messageOf } from '../../errors.ts';
import type { Origin } from '../branches.ts';
import { unlessAborted } from '../shared-task.ts';
import { askHost, lfsEndpoint } from './lfs-host.ts';
import { contentPath, type Pointer } from './pointer.ts';

/** The longest that fetching for one commit takes. Milliseconds. */
const DEADLINE_MS = 60 * 60_000;
/** The most contents that are asked of a host for one commit. */
const MAX_ASKED = 20_000;
/** Contents that nobody used for so long are removed; a worktree has its own copies. Milliseconds. */
const UNUSED_MS = 7 * 86_400_000;
/** How exactly it is known when one was used. Milliseconds. */
const USE_MS = 3_600_000;

/**
 * The contents of a repository's files of Git LFS that choo has fetched, each under its SHA-256, which it has been seen to have.
 * Each appears whole, by a rename, and is never written again.
 */
export class LfsContents {
  /** Closed to other users, as what is above it. */
  readonly directory: string;
  /** Settings by which git writes contents in place of pointers, and stages pointers in place of contents. */
  readonly settings: Readonly<Record<string, string>>;
  #fetching: Promise<void> = Promise.resolve();

  constructor(directory: string) {
    this.directory = directory;
    const program = fileURLToPath(new URL('./lfs-filter.ts', import.meta.url));
    const words = [process.execPath, program, directory].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    this.settings = { 'filter.lfs.process': words.join(' '), 'filter.lfs.required': 'true' };
  }

  /** Whether it has a content of that name and size. */
  async has(pointer: Pointer): Promise<boolean> {
    const path = contentPath(this.directory, pointer);
    const stats = await stat(path).catch(() => undefined);
    if (stats?.size !== pointer.size) return false;
    if (Date.now() - stats.mtimeMs > USE_MS) await utimes(path, new Date(), new Date());
    return true;
  }

  /**
   * Fetches those that are not here: from the directories of contents on this machine that belong to the repository, then from the
   * host of its remote. Throws a ChooError: `environment` when one cannot be had, `limit` for too many.
   */
  async fetch(
    pointers: readonly Pointer[],
    origin: Origin,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<void> {
    if ((await this.#missing(pointers)).length === 0) return;
    // One after the other: worktrees of one commit need the same.
    const before = this.#fetching;
    const fetch = async (): Promise<void> => {
      await before;
      signal.throwIfAborted();
      await this.#fetchMissing(await this.#missing(pointers), origin, signal);
    };
    const fetching = fetch();
    this.#fetching = fetching.catch(() => {});
    await unlessAborted(fetching, signal);
  }

  async #missing(pointers: readonly Pointer[]): Promise<readonly Pointer[]> {
    const missing: Pointer[] = [];
    for (const pointer of pointers) if (!(await this.has(pointer))) missing.push(pointer);
    return missing;
  }

  async #fetchMissing(pointers: readonly Pointer[], origin: Origin, signal: AbortSignal): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await this.#prune();
    const places = [
      ...(origin.contents === undefined ? [] : [origin.contents]),
      ...(isAbsolute(origin.remote)
        ? ['lfs/objects', '.git/lfs/objects'].map((at) => join(origin.remote, at))
        : []),
    ];
    const asked: Pointer[] = [];
    for (const pointer of pointers) {
      signal.throwIfAborted();
      if (!(await this.#takeFrom(places, pointer))) asked.push(pointer);
    }
    const [first] = asked;
    if (first === undefined) return;
    const hint =
      origin.contents === undefined
        ? 'look whether the remote has it: `git lfs fsck` in a clone, and `git lfs push --all origin`'
        : 'run `git lfs fetch` in your own clone: choo takes them from there';
    const count = asked.length === 1 ? 'a file' : `${asked.length} files`;
    const refuse = (reason: string, { oid } = first): ChooError =>
      new ChooError(
        'environment',
        `${count} of Git LFS cannot be fetched from ${origin.remote}: ${reason} (content ${oid.slice(0, 12)})`,
        { hint },
      );
    const endpoint = lfsEndpoint(origin.remote);
    if (endpoint === undefined)
      throw refuse(isAbsolute(origin.remote) ? 'it is not there' : 'choo asks hosts by https alone');
    if (asked.length > MAX_ASKED)
      throw new ChooError('limit', `the commit has ${asked.length} files of Git LFS that are not here`, {
        hint: `choo fetches ${MAX_ASKED} at most; set \`checkout.lfs\` to false, or remove what no unit needs`,
      });
    const { authorization } = origin;
    const within = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
    try {
      for await (const sent of askHost(asked, endpoint, { authorization, signal: within })) {
        if (sent.kind === 'refused') throw refuse(sent.reason, sent.pointer);
        if (!(await this.#keep(sent.pointer, sent.parts)))
          throw refuse('what the host sends is not what the pointer names', sent.pointer);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ChooError) throw error;
      const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
      throw refuse(`${messageOf(error)}${cause}`.slice(0, 300));
    }
  }

  /** Copies a content from the first of these directories that has it. */
  async #takeFrom(places: readonly string[], pointer: Pointer): Promise<boolean> {
    for (const place of places) {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const handle = await open(contentPath(place, pointer), flags).catch(() => undefined);
      if (handle === undefined) continue;
      await using file = handle;
      const stats = await file.stat();
      if (!stats.isFile() || stats.size !== pointer.size) continue;
      if (await this.#keep(pointer, file.createReadStream({ autoClose: false }))) return true;
    }
    return false;
  }

  /** Keeps a content if it is the one that a pointer names. Reads no further than that is long. */
  async #keep(pointer: Pointer, parts: AsyncIterable<Uint8Array>): Promise<boolean> {
    const draft = join(this.directory, `draft.${randomUUID()}`);
    try {
      const hash = createHash('sha256');
      let size = 0;
      {
        await using file = await open(draft, 'wx', 0o600);
        for await (const part of parts) {
          size += part.length;
          if (size > pointer.size) return false;
          hash.update(part);
          await file.writeFile(part);
        }
      }
      if (size !== pointer.size || hash.digest('hex') !== pointer.oid) return false;
      const path = contentPath(this.directory, pointer);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rename(draft, path);
      return true;
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** Removes what was not used for long, what a dead process left half-way included. */
  async #prune(): Promise<void> {
    for (const entry of await readdir(this.directory, { withFileTypes: true, recursive: true })) {
      const path = join(entry.parentPath, entry.name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
      if (Date.now() - mtimeMs < UNUSED_MS) continue;
      if (entry.isDirectory()) await rmdir(path).catch(() => {}); // it is not empty
      else await rm(path, { force: true });
    }
  }
}
