import { execa } from 'execa';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openGit } from '../../../src/git/git.ts';
import { gitIn } from '../../helpers/git-processes.ts';
import { git, gitWorld } from '../../helpers/git-repository.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const PATH = process.env['PATH'] ?? '';
const GIT = new URL('../../../src/git/git.ts', import.meta.url).href;

/** A repository beside a file that git reads for an hour: nothing of it is on the disk. */
async function world() {
  const place = await temporaryDirectory();
  await git(place.path, 'init', '--quiet', '--bare', 'repository');
  const file = join(place.path, 'endless');
  await writeFile(file, '');
  await truncate(file, 8 * 1024 ** 4);
  const gitDirectory = join(place.path, 'repository');
  return { file, gitDirectory, [Symbol.asyncDispose]: async () => place[Symbol.asyncDispose]() };
}

describe('a git that reads without end', () => {
  test('is ended at its deadline, and says so', async () => {
    await using place = await world();
    const { file, gitDirectory } = place;
    const limited = openGit(gitDirectory, PATH, { gitDirectory, deadlineMs: 1_000 });
    await expect(limited.run('hash-object', file)).rejects.toThrow('git hash-object was ended after 1 s');
    expect(gitIn(gitDirectory)).toEqual([]);
  });

  test('ends with its signal, and no other of the same repository does', async () => {
    await using place = await world();
    const { file, gitDirectory } = place;
    const [one, two] = [new AbortController(), new AbortController()];
    const shared = openGit(gitDirectory, PATH, { gitDirectory });
    const [first, second] = [one, two].map(async ({ signal }) =>
      shared
        .until(signal)
        .run('hash-object', file)
        .catch((error: unknown) => error),
    );
    await expect.poll(() => gitIn(gitDirectory), { timeout: 60_000 }).toHaveLength(2);
    one.abort('told to stop');
    expect(await first).toBe('told to stop');
    expect(gitIn(gitDirectory)).toHaveLength(1);
    two.abort('and this');
    expect(await second).toBe('and this');
    expect(gitIn(gitDirectory)).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')('is gone soon after choo was killed', async () => {
    await using place = await world();
    const { file, gitDirectory } = place;
    const program = `
      const { openGit } = await import(${JSON.stringify(GIT)});
      await openGit(${JSON.stringify(gitDirectory)}, process.env.PATH, { gitDirectory: ${JSON.stringify(gitDirectory)} })
        .run('hash-object', ${JSON.stringify(file)});`;
    const choo = execa(process.execPath, ['--input-type=module', '-e', program], { reject: false });
    await expect.poll(() => gitIn(gitDirectory), { timeout: 60_000 }).toHaveLength(1);
    await expect.poll(async () => guardsOf(choo.pid ?? 0), { timeout: 60_000 }).toHaveLength(1);
    choo.kill('SIGKILL');
    await choo;
    await expect.poll(() => gitIn(gitDirectory), { timeout: 60_000 }).toEqual([]);
  });
});

test('a commit that says more than fits into memory is not read', async () => {
  await using place = await world();
  const { gitDirectory } = place;
  const path = join(gitDirectory, 'message');
  const tree = await git(gitDirectory, 'hash-object', '-t', 'tree', '-w', '/dev/null');
  const person = 'tester <tester@localhost> 0 +0000';
  await writeFile(path, `tree ${tree}\nauthor ${person}\ncommitter ${person}\n\nEndless\n`);
  await truncate(path, 60 * 1024 ** 2);
  const commit = await git(gitDirectory, 'hash-object', '-t', 'commit', '-w', '--literally', path);
  const read = async (memoryBytes: number): Promise<string> =>
    openGit(gitDirectory, PATH, { gitDirectory, memoryBytes }).run('log', '-1', '--format=%s', commit);
  expect(await read(1024 ** 3)).toBe('Endless\n');
  await expect(read(40 * 1024 ** 2)).rejects.toThrow(/git log failed: .*memory/i);
});

test('a few files that look large are not read before they are refused', async () => {
  await using world = await gitWorld({ 'a.txt': 'A' });
  const worktree = await world.worktrees.create('one', world.head);
  for (const name of ['b', 'c', 'd']) {
    await writeFile(join(worktree.path, name), '');
    await truncate(join(worktree.path, name), 1024 ** 3);
  }
  expect((await worktree.look()).found).toBeUndefined();
  await expect(worktree.stage()).rejects.toThrow('3.0 GiB of new or changed files');
});

async function guardsOf(parent: number): Promise<readonly string[]> {
  const { stdout } = await execa('ps', ['-o', 'args=', '--ppid', String(parent)], { reject: false });
  return stdout.split('\n').filter((line) => line.includes('choo-guard'));
}
