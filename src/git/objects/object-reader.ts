import { LRUCache } from 'lru-cache';
import { ChooError } from '../../errors.ts';
import type { Git } from '../git.ts';
import { CatFile, type ObjectInfo } from './cat-file.ts';

/** Small objects that are remembered: what was just written is read next. Bytes. */
const MAX_REMEMBERED_BYTES = 8 * 1024 * 1024;
/** What one takes beside its content. Bytes. */
const ENTRY_BYTES = 500;
/** Larger ones are not remembered. Bytes. */
const MAX_OBJECT_BYTES = 64 * 1024;

/**
 * Reads objects of one repository through one long-lived git. It is started by the first request, and again when it was
 * killed; interrupted requests are repeated once. Requests may run concurrently. Objects fetched later are found too.
 */
export class ObjectReader implements AsyncDisposable {
  readonly #repository: Git;
  readonly #known = new LRUCache<string, { readonly type: string; readonly content: Buffer }>({
    maxSize: MAX_REMEMBERED_BYTES,
    sizeCalculation: ({ content }) => content.length + ENTRY_BYTES,
  });
  #running: Promise<CatFile> | undefined;
  #isClosed = false;

  constructor(repository: Git) {
    this.#repository = repository;
  }

  /** Type and size of each object, in order. Ids only: a name is not resolved as a revision would be. */
  async info(ids: readonly string[]): Promise<readonly (ObjectInfo | undefined)[]> {
    const known = ids.map((id) => this.#known.get(id));
    if (known.every((each) => each !== undefined))
      return known.map(({ type, content }, index) => ({ id: ids[index] ?? '', type, size: content.length }));
    return this.#ask(ids, async (git) => git.ask('info', ids, (info) => info));
  }

  /** The bytes of each object, in order; undefined for a missing one. Request unknown sizes with `info` first. */
  async contents(ids: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    const known = ids.map((id) => this.#known.get(id)?.content);
    if (known.every((each) => each !== undefined)) return known;
    return this.#ask(ids, async (git) =>
      git.ask('contents', ids, (info, content) => {
        if (info !== undefined && content !== undefined) this.remember(info.id, info.type, content);
        return content;
      }),
    );
  }

  /** Takes in an object that is in the repository: objects never change. */
  remember(id: string, type: string, content: Uint8Array): void {
    if (content.byteLength <= MAX_OBJECT_BYTES) this.#known.set(id, { type, content: Buffer.from(content) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#known.clear();
    await (await this.#running?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }

  async #ask<T>(ids: readonly string[], ask: (git: CatFile) => Promise<readonly T[]>): Promise<readonly T[]> {
    if (ids.length === 0) return [];
    for (const id of ids)
      if (!/^[0-9a-f]{40,64}$/.test(id)) throw new ChooError('internal', `\`${id}\` is not an object id`);
    const git = await this.#git();
    try {
      return await ask(git);
    } catch (error) {
      if (this.#isClosed || !git.hasEnded) throw error;
      return ask(await this.#git());
    }
  }

  /** The running process; starts another when the last one has ended. */
  async #git(): Promise<CatFile> {
    if (this.#isClosed) throw new ChooError('git', 'the objects of a closed repository cannot be read');
    if (this.#running !== undefined) return this.#running;
    const started = CatFile.start(this.#repository, () => {
      if (this.#running === started) this.#running = undefined;
    });
    this.#running = started;
    started.catch(() => (this.#running = undefined));
    return started;
  }
}
