import { ChooError } from '../../errors.ts';
import type { Git } from '../git.ts';
import { CatFile, type ObjectInfo } from './cat-file.ts';

/**
 * Reads objects of one repository through one long-lived git. It is started by the first request, and again when it was
 * killed; interrupted requests are repeated once. Requests may run concurrently. Objects fetched later are found too.
 */
export class ObjectReader implements AsyncDisposable {
  readonly #repository: Git;
  #running: Promise<CatFile> | undefined;
  #isClosed = false;

  constructor(repository: Git) {
    this.#repository = repository;
  }

  /** Type and size of each object, in order. Ids only: a name is not resolved as a revision would be. */
  async info(ids: readonly string[]): Promise<readonly (ObjectInfo | undefined)[]> {
    return this.#ask(ids, async (git) => git.ask('info', ids, (info) => info));
  }

  /** The bytes of each object, in order; undefined for a missing one. Request unknown sizes with `info` first. */
  async contents(ids: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    return this.#ask(ids, async (git) => git.ask('contents', ids, (_, content) => content));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
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
