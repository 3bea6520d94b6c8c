import { execa } from 'execa';
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const EXAMPLE = fileURLToPath(new URL('../example', import.meta.url));

/** The files of the example project without its specs, by path: the repository before its first spec. */
export async function projectWithoutSpecs(): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(EXAMPLE, { withFileTypes: true, recursive: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(EXAMPLE, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('specs/'));
  return Object.fromEntries(
    await Promise.all(
      paths.map(async (path) => [path, await readFile(join(EXAMPLE, path), 'utf8')] as const),
    ),
  );
}

/** Clones a repository into a directory. */
export async function clone(remote: string, directory: string): Promise<void> {
  await git('.', 'clone', '--quiet', remote, directory);
}

/** Commits the specs of the example in a clone and pushes them. Returns the commit. */
export async function pushSpecs(directory: string): Promise<string> {
  await cp(join(EXAMPLE, 'specs'), join(directory, 'specs'), { recursive: true });
  await git(directory, 'add', '--all');
  await git(directory, 'commit', '--quiet', '--message=Specify the word counter');
  await git(directory, 'push', '--quiet', 'origin', 'HEAD:main');
  return git(directory, 'rev-parse', 'HEAD');
}

/** Fetches choo's branches into a clone, and removes its remote, which ends with the demo. */
export async function keepBranches(directory: string): Promise<void> {
  await git(directory, 'fetch', '--quiet', 'origin', '+refs/heads/choo/*:refs/heads/choo/*');
  await git(directory, 'remote', 'remove', 'origin');
  await rm(join(directory, '.git/FETCH_HEAD'), { force: true });
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const who = ['-c', 'user.name=you', '-c', 'user.email=you@localhost', '-c', 'commit.gpgSign=false'];
  const { stdout } = await execa('git', [...who, ...args], {
    cwd,
    env: { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
  });
  return stdout;
}
