import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Views } from './views.ts';

/**
 * The repository that git sees inside an isolated worktree: settings without secrets, no refs, and the objects reachable
 * from the shown commits. It lies in git's administrative directory of the worktree and is removed with it.
 */
export class WorktreeView {
  readonly #directory: string;
  readonly #views: Views;
  readonly #bare: string;
  readonly #signal: AbortSignal | undefined;
  #shown: string | undefined;

  /** `bare`: the repository that it replaces. */
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

  /** Adds what is reachable from a commit and not shown yet. */
  async show(commit: string): Promise<void> {
    const packs = join(this.#directory, 'objects/pack');
    const since = this.#shown;
    if (since === undefined) {
      await mkdir(packs, { recursive: true });
      await mkdir(join(this.#directory, 'refs'), { recursive: true });
      for (const name of ['HEAD', 'config'])
        await copyFile(join(this.#bare, name), join(this.#directory, name));
      // The file that marks the end of a shallow history.
      await copyFile(join(this.#bare, 'shallow'), join(this.#directory, 'shallow')).catch(() => {});
    }
    const signal = this.#signal;
    await this.#views.linkInto(packs, commit, { ...(since === undefined ? {} : { since }), signal });
    this.#shown = commit;
  }
}
