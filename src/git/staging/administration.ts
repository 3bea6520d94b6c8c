import { join } from 'node:path';

/** choo's own index of a worktree, separate from the one that git inside the worktree uses. */
export function indexOf(administration: string): string {
  return join(administration, 'choo-index');
}

/** git's own lock file for a worktree, which `git worktree prune` respects as well. */
export function keptMark(administration: string): string {
  return join(administration, 'locked');
}

/** The view of an isolated worktree, in its administrative directory. */
export const VIEW_DIRECTORY = 'view';

/** The files that make a directory a worktree. Other files there belong to an unfinished merge or rebase. */
export const ADMINISTRATIVE_FILES = new Set([
  'HEAD',
  'choo-index',
  'commondir',
  'gitdir',
  'index',
  'locked',
  VIEW_DIRECTORY,
]);
