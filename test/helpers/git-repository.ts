import { execa } from 'execa';
import { lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { findRepository, Repository } from '../../src/git/repository.ts';
import { WorktreeManager } from '../../src/git/worktree.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The real git with nothing of the machine's configuration, for building worlds and for looking at what choo left. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await execa('git', args, {
    cwd,
    extendEnv: false,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'tester',
      GIT_AUTHOR_EMAIL: 'tester@localhost',
      GIT_COMMITTER_NAME: 'tester',
      GIT_COMMITTER_EMAIL: 'tester@localhost',
    },
  });
  return stdout;
}

/** Writes files given by path and content. */
export async function writeFiles(
  root: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

/** Makes a repository with one commit of these files, on the branch `main`. Returns the commit's id. */
export async function commitFiles(
  root: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  await git(root, 'init', '--quiet', '--initial-branch=main').catch(() => '');
  await writeFiles(root, files);
  await git(root, 'add', '--all');
  await git(root, 'commit', '--quiet', '--message=files');
  return git(root, 'rev-parse', 'HEAD');
}

/** A user's repository with one commit, and choo's own repository beside it. */
export interface GitWorld extends AsyncDisposable {
  /** The directory around both. */
  readonly path: string;
  readonly user: string;
  readonly home: string;
  readonly head: string;
  readonly repository: Repository;
  readonly worktrees: WorktreeManager;
}

/** Opens choo's repository for one of the user's. */
export async function openRepository(user: string, home: string): Promise<Repository> {
  const searchPath = process.env['PATH'] ?? '';
  return Repository.open(await findRepository(user, searchPath), home, searchPath);
}

/** Makes a user's repository of these files and opens it: `await using world = await gitWorld({ 'a.txt': 'A' })`. */
export async function gitWorld(
  files: Readonly<Record<string, string | Uint8Array>>,
  { objectFormat = 'sha1' } = {},
): Promise<GitWorld> {
  const place = await temporaryDirectory();
  const [user, home] = [join(place.path, 'user'), join(place.path, 'home')];
  await mkdir(user);
  await git(user, 'init', '--quiet', '--initial-branch=main', `--object-format=${objectFormat}`);
  await writeFiles(user, files);
  await git(user, 'add', '--all');
  await git(user, 'commit', '--quiet', '--allow-empty', '--message=files');
  const repository = await openRepository(user, home);
  return {
    path: place.path,
    user,
    home,
    head: await git(user, 'rev-parse', 'HEAD'),
    repository,
    worktrees: new WorktreeManager(repository, process.env['PATH'] ?? ''),
    [Symbol.asyncDispose]: async () => {
      await repository[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** Every entry below a directory with its type, permissions and content, `.git` left out; what two looks can be compared by. */
export async function snapshot(root: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  const entries = await readdir(root, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(root, path);
    if (name === '.git' || name.startsWith('.git/')) continue;
    const mode = ((await lstat(path)).mode & 0o777).toString(8);
    if (entry.isSymbolicLink()) found[name] = `link ${await readlink(path)}`;
    else if (entry.isDirectory()) found[name] = `directory ${mode}`;
    else found[name] = `file ${mode} ${await readFile(path, 'latin1')}`;
  }
  return found;
}
