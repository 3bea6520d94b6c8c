import type { Git } from '../git.ts';

/** The paths of a worktree that its ignore files name, directories as a whole, from its root. No link leads to one. */
export async function listIgnored(git: Git): Promise<readonly string[]> {
  const options = ['-z', '--others', '--ignored', '--exclude-standard', '--directory'];
  const listed = await git.run('ls-files', ...options);
  return listed
    .split('\0')
    .slice(0, -1)
    .map((path) => path.replace(/\/$/, ''));
}
