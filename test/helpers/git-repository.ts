import { execa } from 'execa';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

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
