import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CheckedOutModules } from '../../../../src/git/submodules/checked-out-modules.ts';
import { commitFiles, git, type GitWorld, gitWorld, writeFiles } from '../../../helpers/git-repository.ts';

const ZEROS = '0'.repeat(40);
const section = (name: string, path: string, url: string): string =>
  `[submodule "${name}"]\n\tpath = ${path}\n\turl = ${url}\n`;

/** Adds gitlinks and `.gitmodules` to a repository, whatever git itself would say of them. Returns the commit. */
async function link(root: string, links: Readonly<Record<string, string>>, modules: string): Promise<string> {
  await writeFiles(root, { '.gitmodules': modules });
  await git(root, 'add', '.gitmodules');
  for (const [path, commit] of Object.entries(links))
    await git(root, 'update-index', '--add', '--cacheinfo', `160000,${commit},${path}`);
  await git(root, 'commit', '--quiet', '--message=links');
  return git(root, 'rev-parse', 'HEAD');
}

async function fill(world: GitWorld, commit: string, namedAt = commit) {
  const { signal } = new AbortController();
  const worktree = await world.worktrees.create('one', commit);
  const modules = await CheckedOutModules.checkOut(worktree.path, world.repository, {
    commit,
    namedAt,
    signal,
  });
  return { worktree, modules };
}

/** A repository with a submodule that has one itself. */
async function nested(): Promise<GitWorld & { readonly commit: string }> {
  const world = await gitWorld({ 'a.txt': 'A\n', '.gitignore': '*.o\n' });
  const inner = await commitFiles(await made(world, 'inner'), { 'deep/c.txt': 'C\n' });
  const outer = join(world.path, 'outer');
  await mkdir(outer);
  await commitFiles(outer, { 'b.txt': 'B\n', 'dir/b.txt': 'B\n' });
  const middle = await link(outer, { 'vendor/inner': inner }, section('inner', 'vendor/inner', '../inner'));
  const commit = await link(world.user, { 'lib/outer': middle }, section('outer', 'lib/outer', '../outer'));
  return { ...world, commit };
}

async function made(world: GitWorld, name: string): Promise<string> {
  const path = join(world.path, name);
  await mkdir(path);
  return path;
}

describe('submodules', () => {
  test('are plain files of the named commits, and nothing of them is staged, listed or discarded', async () => {
    await using world = await nested();
    const { worktree, modules } = await fill(world, world.commit);
    await using _ = modules;
    const at = (path: string): string => join(worktree.path, 'lib/outer', path);
    expect(await readFile(at('b.txt'), 'utf8')).toBe('B\n');
    expect(await readFile(at('vendor/inner/deep/c.txt'), 'utf8')).toBe('C\n');
    expect(existsSync(at('.git'))).toBe(false);

    await writeFiles(worktree.path, {
      'lib/outer/new.txt': 'x',
      'lib/outer/vendor/inner/built.o': 'x',
      'new.txt': 'x',
    });
    expect(await modules.putBack()).toEqual([]);
    expect((await worktree.look()).removed).toEqual([]);
    const tree = await worktree.stage();
    const names = await git(world.user, 'ls-tree', '-r', '--name-only', tree);
    expect(names.split('\n')).toEqual(['.gitignore', '.gitmodules', 'a.txt', 'lib/outer', 'new.txt']);
    await writeFile(join(worktree.path, 'a.txt'), 'changed');
    expect(await worktree.discardChanges(await worktree.look())).toEqual(['a.txt']);
    expect(existsSync(at('new.txt'))).toBe(true);
    expect(await modules.added()).toEqual(['lib/outer/new.txt', 'lib/outer/vendor/inner/built.o']);
  });

  test('are put back, whatever is in their place, and no link out of the worktree is followed', async () => {
    await using world = await nested();
    const { worktree, modules } = await fill(world, world.commit);
    await using _ = modules;
    const outside = await made(world, 'outside');
    await writeFile(join(outside, 'b.txt'), 'not yours');
    const at = (path: string): string => join(worktree.path, path);
    const isWhole = async (): Promise<boolean> =>
      (await readFile(at('lib/outer/b.txt'), 'utf8')) === 'B\n' &&
      (await readFile(at('lib/outer/dir/b.txt'), 'utf8')) === 'B\n' &&
      (await readFile(at('lib/outer/vendor/inner/deep/c.txt'), 'utf8')) === 'C\n';
    const attacks: readonly (() => Promise<unknown>)[] = [
      async () => writeFile(at('lib/outer/b.txt'), 'X\n'),
      async () => rm(at('lib/outer/vendor'), { recursive: true }),
      async () => rm(at('lib'), { recursive: true }),
      async () => [await rm(at('lib'), { recursive: true }), await symlink(outside, at('lib'))],
      async () => [await rm(at('lib/outer'), { recursive: true }), await symlink(outside, at('lib/outer'))],
      async () => [
        await rm(at('lib/outer/dir'), { recursive: true }),
        await symlink(outside, at('lib/outer/dir')),
      ],
      async () => [await rm(at('lib/outer/b.txt')), await writeFiles(at('lib/outer/b.txt'), { x: 'x' })],
      async () =>
        writeFiles(at('lib/outer'), { '.git/config': '[core]\n\tfsmonitor = false\n', 'b.txt': 'X' }),
    ];
    for (const [index, attack] of attacks.entries()) {
      await attack();
      await worktree.look();
      expect(await modules.putBack(), String(index)).not.toEqual([]);
      expect(await isWhole(), String(index)).toBe(true);
      expect(await modules.putBack(), String(index)).toEqual([]);
    }
    expect(await readdir(outside)).toEqual(['b.txt']);
    expect(await readFile(join(outside, 'b.txt'), 'utf8')).toBe('not yours');
  });

  test('come from the repository of a person who has fetched them, when their address is gone', async () => {
    await using world = await nested();
    await git(world.path, 'clone', '--quiet', '--bare', 'outer', 'user/.git/modules/outer');
    await git(world.path, 'clone', '--quiet', '--bare', 'inner', 'user/.git/modules/outer/modules/inner');
    for (const name of ['outer', 'inner']) await rm(join(world.path, name), { recursive: true });
    const { worktree, modules } = await fill(world, world.commit);
    await using _ = modules;
    expect(existsSync(join(worktree.path, 'lib/outer/vendor/inner/deep/c.txt'))).toBe(true);
  });

  test('are named by the base alone', async () => {
    await using world = await nested();
    const moved = await link(
      world.user,
      {},
      section('outer', 'lib/outer', 'https://evil.example/x') + section('other', 'lib/other', '../inner'),
    );
    const { worktree, modules } = await fill(world, moved, world.commit);
    await using _ = modules;
    expect(existsSync(join(worktree.path, 'lib/outer/b.txt'))).toBe(true);
  });
});

describe('a hostile .gitmodules', () => {
  test.each<[string, string, string, RegExp]>([
    ['a name that leads out', 'lib', section('../../x', 'lib', '../inner'), /name that git refuses/],
    ['a name within hooks', 'lib', section('x/../../hooks', 'lib', '../inner'), /name that git refuses/],
    ['a name like .git', 'lib', section('x/.GIT', 'lib', '../inner'), /name that git refuses/],
    ['a name like an option', 'lib', section('-x', 'lib', '../inner'), /name that git refuses/],
    ['a path like an option', '-lib', section('x', '-lib', '../inner'), /name that git refuses/],
    ['a path of no submodule', 'lib', section('x', '../lib', '../inner'), /without a place/],
    ['no address', 'lib', '[submodule "x"]\n\tpath = lib\n\turl\n', /without a place/],
    ['another program', 'lib', section('x', 'lib', 'ext::touch% /tmp/x'), /no submodule's address/],
    ['an option for git', 'lib', section('x', 'lib', '--upload-pack=touch'), /no submodule's address/],
    ['another file', 'lib', section('x', 'lib', 'file:///etc'), /no submodule's address/],
    ['an included file', 'lib', '[include]\n\tpath = /etc/hostile\n', /without a place/],
    ['a commit that is not there', 'lib', section('x', 'lib', '../inner'), /cannot be fetched from/],
    ['a repository that is not there', 'lib', section('x', 'lib', '../none'), /cannot be fetched from/],
  ])('with %s is refused', async (_, path, modules, message) => {
    await using world = await gitWorld({ 'a.txt': 'A\n' });
    await commitFiles(await made(world, 'inner'), { 'c.txt': 'C\n' });
    const commit = await link(world.user, { [path]: ZEROS.replace(/0$/, '1') }, modules);
    await expect(fill(world, commit)).rejects.toThrow(message);
    const left = await readdir(join(world.home, 'modules')).catch(() => []);
    expect(left).toEqual([]);
  });

  test('of submodules within each other ends at a bound', async () => {
    await using world = await gitWorld({ 'a.txt': 'A\n' });
    let commit = await commitFiles(await made(world, 'm0'), { 'c.txt': 'C\n' });
    for (let depth = 1; depth <= 6; depth += 1) {
      const root = await made(world, `m${depth}`);
      await commitFiles(root, { 'c.txt': 'C\n' });
      commit = await link(root, { m: commit }, section('m', 'm', `../m${depth - 1}`));
    }
    const top = await link(world.user, { m: commit }, section('m', 'm', '../m6'));
    await expect(fill(world, top)).rejects.toThrow(/too many/);
  });
});
