import { execa } from 'execa';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { removeNestedRepositories } from '../../../src/git/staging/nested-repositories.ts';
import { isLargeDirectory } from '../../../src/system/read-directory.ts';
import { commitFiles, git, gitWorld, snapshot, writeFiles } from '../../helpers/git-repository.ts';

async function plant(root: string, path: string): Promise<void> {
  await mkdir(join(root, path), { recursive: true });
  await commitFiles(join(root, path), { x: 'x' });
}

describe('removing nested repositories', () => {
  test('finds each of many in a directory that is too large to be read at once', async () => {
    await using world = await gitWorld({ a: 'A' });
    const { path } = await world.worktrees.create('one', world.head);
    await mkdir(join(path, 'many'));
    const script = 'seq 15000 | xargs touch; seq -f pipe%g 600 | xargs mkfifo; mkdir .git';
    await execa('bash', ['-c', script], { cwd: join(path, 'many') });
    expect(isLargeDirectory(join(path, 'many'))).toBe(true);
    expect(await removeNestedRepositories(path)).toHaveLength(601);
    expect(await readdir(join(path, 'many'))).toHaveLength(15_000);
  });

  test('takes directories, files and links called .git in any case, wherever they are, and nothing else', async () => {
    await using world = await gitWorld({ '.gitignore': 'ignored\nnode_modules\n', 'src/a': 'A' });
    const { path } = await world.worktrees.create('one', world.head);
    const own = await readFile(join(path, '.git'), 'utf8');
    for (const place of ['src/sub', 'ignored/deep', 'node_modules/pkg', 'src/sub/again'])
      await plant(path, place);
    await plant(path, 'upper');
    await execa('mv', [join(path, 'upper/.git'), join(path, 'upper/.GiT')]);
    await writeFiles(path, {
      'file/.git': `gitdir: ${world.user}/.git\n`,
      'GIT~1': 'x',
      '.GIT/config': 'x',
      'x/.git./y': 'x',
    });
    await mkdir(join(path, 'link'));
    await symlink(join(world.user, '.git'), join(path, 'link/.git'));
    await symlink(world.user, join(path, 'way-out'));
    await writeFiles(path, {
      '.gitattributes': 'x',
      '.github/x': 'x',
      'src/.gitkeep': '',
      'x.git/HEAD': 'x',
      git: 'x',
    });
    const outside = await snapshot(world.user);

    expect(await removeNestedRepositories(path)).toEqual([
      '.GIT',
      'GIT~1',
      'file/.git',
      'ignored/deep/.git',
      'link/.git',
      'node_modules/pkg/.git',
      'src/sub/.git',
      'src/sub/again/.git',
      'upper/.GiT',
      'x/.git.',
    ]);
    expect(await removeNestedRepositories(path)).toEqual([]);
    expect(await readFile(join(path, '.git'), 'utf8')).toBe(own);
    expect(await snapshot(world.user)).toEqual(outside);
    expect(await git(world.user, 'rev-parse', 'HEAD')).toBe(world.head);
    expect((await readdir(path)).sort()).toEqual(
      expect.arrayContaining(['.git', '.gitattributes', '.github', 'git', 'way-out', 'x.git']),
    );
    expect(await git(path, 'ls-files', '--others', '--exclude-standard')).toContain('src/sub/x');
  });

  test('looks into closed directories, and into those whose names are no text', async () => {
    await using world = await gitWorld({ a: 'A' });
    const { path } = await world.worktrees.create('one', world.head);
    await plant(path, 'closed/inner');
    await execa('bash', ['-c', "mkdir $'\\xff' && cp -r closed/inner/.git $'\\xff/.git'"], { cwd: path });
    await chmod(join(path, 'closed/inner'), 0o100);
    await chmod(join(path, 'closed'), 0o000);
    expect(await removeNestedRepositories(path)).toEqual(['closed/inner/.git', '\ufffd/.git']);
    expect(await git(path, 'ls-files', '--others', '--directory')).toContain('closed/');
  });

  test('takes directories deeper than a path can tell', async () => {
    await using world = await gitWorld({ a: 'A' });
    const worktree = await world.worktrees.create('one', world.head);
    const script =
      'for i in $(seq 30); do mkdir $0 && cd ./$0 || exit; done; git init --quiet; cd ./$0; touch x';
    await execa('bash', ['-c', script, 'd'.repeat(200)], { cwd: worktree.path });
    const removed = await removeNestedRepositories(worktree.path);
    expect(removed).toHaveLength(1);
    expect(removed[0]).toMatch(/^(?:d+\/){13,15}d+$/);
    await worktree.stage();
  });

  test('takes pipes, for which git would wait, and sockets', async () => {
    await using world = await gitWorld({ a: 'A', '.gitignore': 'x', 'dir/b': 'B' });
    const worktree = await world.worktrees.create('one', world.head);
    const script = 'rm .gitignore a; mkfifo .gitignore a dir/.gitattributes';
    await execa('bash', ['-c', script], { cwd: worktree.path });
    const socket = `require('net').createServer().listen('s', () => process.kill(process.pid, 'SIGKILL'))`;
    await execa(process.execPath, ['-e', socket], { cwd: worktree.path, reject: false });
    expect(await removeNestedRepositories(worktree.path)).toEqual([
      '.gitignore',
      'a',
      'dir/.gitattributes',
      's',
    ]);
    const names = await git(world.user, 'ls-tree', '-r', '--name-only', await worktree.stage());
    expect(names).toBe('dir/b');
    expect(await worktree.discardChanges()).toEqual([]);
  });

  test('passes by ten thousand files', async () => {
    await using world = await gitWorld({ a: 'A' });
    const { path } = await world.worktrees.create('one', world.head);
    for (let directory = 0; directory < 100; directory += 1) {
      await mkdir(join(path, `node_modules/${directory}`), { recursive: true });
      await Promise.all(
        Array.from({ length: 100 }, (_, n) => writeFile(join(path, `node_modules/${directory}/${n}`), '')),
      );
    }
    expect(await removeNestedRepositories(path)).toEqual([]);
  });
});
