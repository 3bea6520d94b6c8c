import { ChooError } from '../../errors.ts';
import { exists } from '../../system/files.ts';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What a set-up left behind. */
interface Leavings {
  readonly worktree: string;
  /** The paths of a worktree that git ignores, from its root. No link leads to any of them. */
  readonly ignored: readonly string[];
  /** Undefined: it stays with its user. */
  readonly home: string | undefined;
}

/**
 * Moves what a set-up left behind into a new directory: `project` and `home`. Returns how to put it back; on failure it has
 * been put back.
 */
export async function takeAway(
  { worktree, ignored, home }: Leavings,
  to: string,
): Promise<() => Promise<void>> {
  const moved: (readonly [from: string, to: string])[] = [];
  const putBack = async (): Promise<void> => {
    try {
      for (const [from, at] of moved.splice(0).toReversed()) await rename(at, from);
    } catch (cause) {
      throw new ChooError('internal', `what set-up left in ${worktree} could not be put back`, { cause });
    }
  };
  const move = async (from: string, at: string): Promise<void> => {
    await rename(from, at);
    moved.push([from, at]);
  };
  try {
    await mkdir(join(to, 'project'), { recursive: true, mode: 0o755 });
    for (const path of ignored) {
      await mkdir(join(to, 'project', dirname(path)), { recursive: true, mode: 0o755 });
      await move(join(worktree, path), join(to, 'project', path));
    }
    if (home !== undefined && (await exists(home))) await move(home, join(to, 'home'));
    else await mkdir(join(to, 'home'));
    return putBack;
  } catch (error) {
    await putBack();
    throw error;
  }
}
