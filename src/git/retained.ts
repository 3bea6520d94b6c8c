import type { Repository } from './repository.ts';

/** Below it a directory for each day, with the commits that were retained on it. No fetch or push sees these refs. */
const RETAINED = 'refs/choo/retained';
const DAY_MS = 86_400_000;

/** Retains a commit that no branch holds any more, in choo's own copy, for {@link dropRetained} to drop. */
export async function retainCommit(
  { git }: Pick<Repository, 'git'>,
  commit: string,
  now = Date.now(),
): Promise<void> {
  await git.run('update-ref', `${RETAINED}/${dayOf(now)}/${commit}`, commit);
}

/** Drops what was retained longer ago than so many days. */
export async function dropRetained(
  { git }: Pick<Repository, 'git'>,
  days: number,
  now = Date.now(),
): Promise<void> {
  const first = `${RETAINED}/${dayOf(now - days * DAY_MS)}/`;
  const refs = await git.run('for-each-ref', '--format=%(refname)', RETAINED);
  for (const ref of refs.split('\n')) if (ref !== '' && ref < first) await git.run('update-ref', '-d', ref);
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
