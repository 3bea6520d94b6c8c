import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Views } from './views.ts';

/**
 * What git inside a worktree takes for its repository: settings without secrets, no refs, and the objects that the commits
 * reach which were shown. It lies in what git keeps of the worktree and goes with it.
 */
export class WorktreeView {
  readonly #directory: string;
  readonly #views: Views;
  readonly #bare: string;
  readonly #signal: AbortSignal | undefined;
  #shown: string | undefined;

  /** `bare`: the repository in whose place it stands. */
  constructor(
    directory: string,
    { views, bare }: { readonly views: Views; readonly bare: string },
    signal?: AbortSignal,
  ) {
    this.#directory = directory;
    this.#views = views;
    this.#bare = bare;
    this.#signal = signal;
  }

  /** Adds what can be reached from a commit; of the first one everything, of the next ones what is new. */
  async show(commit: string): Promise<void> {
    const packs = join(this.#directory, 'objects/pack');
    const since = this.#shown;
    if (since === undefined) {
      await mkdir(packs, { recursive: true });
      await mkdir(join(this.#directory, 'refs'), { recursive: true });
      for (const name of ['HEAD', 'config'])
        await copyFile(join(this.#bare, name), join(this.#directory, name));
      // Where a shallow history ends.
      await copyFile(join(this.#bare, 'shallow'), join(this.#directory, 'shallow')).catch(() => {});
    }
    const signal = this.#signal;
    await this.#views.linkInto(packs, commit, { ...(since === undefined ? {} : { since }), signal });
    this.#shown = commit;
  }
}
