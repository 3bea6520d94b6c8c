import type { Repository } from './repository.ts';

/** Whether a commit is another one or in its history. False when either is not there. */
export async function isAncestor(
  { git, reader }: Pick<Repository, 'git' | 'reader'>,
  commit: string,
  of: string,
): Promise<boolean> {
  if (commit === of) return true;
  const there = await reader.info([commit, of]);
  if (there.some((info) => info?.type !== 'commit')) return false;
  return (await git.ask('merge-base', '--is-ancestor', commit, of)).yes;
}
