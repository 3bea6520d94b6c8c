import { mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commitText } from '../../../src/git/objects/commit.ts';
import { replaceFiles, treeOf } from '../../../src/git/objects/tree-object.ts';
import type { Repository } from '../../../src/git/repository.ts';
import { Views } from '../../../src/git/views.ts';
import { WorktreeManager } from '../../../src/git/worktree.ts';
import {
  commitFiles,
  git,
  type GitWorld,
  gitWorld,
  openRepository,
  writeFiles,
} from '../../helpers/git-repository.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const SEARCH_PATH = process.env['PATH'] ?? '';
const ISOLATED = { isolated: true } as const;

/** The objects that git in a worktree has. */
async function seen(worktree: string): Promise<readonly string[]> {
  const words = ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)'];
  return (await git(worktree, ...words)).split('\n').toSorted();
}

/** Those that a commit reaches. */
async function reached(repository: string, commit: string): Promise<readonly string[]> {
  const words = ['rev-list', '--objects', '--no-object-names', commit];
  return (await git(repository, ...words)).split('\n').toSorted();
}

/** Commits a file on top of a commit, as choo does it. */
async function commitOn({ repository }: GitWorld, parents: readonly string[], name: string): Promise<string> {
  const { reader, writer } = repository;
  const id = await writer.blob(Buffer.from(`${name}\n`));
  const before = await treeOf(reader, parents[0] ?? '');
  const tree = await replaceFiles(repository, before, new Map([[`d/${name}`, { mode: '100644', id }]]));
  return writer.commit(commitText({ tree, parents, subject: name }));
}

const viewsOf = (world: GitWorld): string => join(world.home, 'views');

describe('an isolated worktree', () => {
  test.each(['sha1', 'sha256'])(
    'of a repository of %s has what its commit reaches, and all of it',
    async (objectFormat) => {
      await using world = await gitWorld({ 'a.txt': 'A\n', 'd/b.txt': 'B\n' }, { objectFormat });
      const side = await commitOn(world, [world.head], 'side');
      const secret = await commitOn(world, [side], 'secret');
      const base = await commitOn(world, [world.head], 'base');
      const merge = await commitOn(world, [base, side], 'merge');
      let count = 0;
      for (const commit of [base, secret, merge, side, world.head, await commitOn(world, [merge], 'next')]) {
        const { path, readable } = await world.worktrees.create(`w${(count += 1)}`, commit, ISOLATED);
        expect(await seen(path)).toEqual(await reached(world.user, commit));
        expect(await git(path, 'status', '--porcelain')).toBe('');
        expect(await git(path, 'for-each-ref')).toBe('');
        expect(readable).toEqual([join(world.repository.git.directory, 'worktrees', `w${count}`)]);
      }
    },
  );

  test('sees each commit that choo makes there, when it is made', async () => {
    await using world = await gitWorld({ 'a.txt': 'A\n' });
    const worktree = await world.worktrees.create('one', world.head, ISOLATED);
    let head = world.head;
    for (const name of ['one', 'two', 'three']) {
      await commitOn(world, [head], `other-${name}`); // by another unit
      await writeFiles(worktree.path, { [name]: name });
      const tree = await worktree.stage();
      head = await world.repository.writer.commit(commitText({ tree, parents: [head], subject: name }));
      await worktree.advance(head);
      expect(await seen(worktree.path)).toEqual(await reached(world.user, head));
      expect(await git(worktree.path, 'diff', '--name-only', 'HEAD~1')).toBe(name);
      expect(await git(worktree.path, 'status', '--porcelain')).toBe('');
    }
    await worktree.remove();
    expect(await readdir(join(world.repository.git.directory, 'worktrees'))).toEqual([]);
  });

  test.each([
    ['shallow', ['--depth=1']],
    ['without the blobs of its history', ['--filter=blob:none']],
    ['shared', ['--shared']],
  ])('works in a clone that is %s', async (_, how) => {
    await using place = await temporaryDirectory();
    const origin = join(place.path, 'origin');
    await mkdir(origin);
    await commitFiles(origin, { a: 'A' });
    await git(origin, 'config', 'uploadpack.allowFilter', 'true');
    const head = await commitFiles(origin, { a: 'B' });
    const source = how.includes('--shared') ? origin : `file://${origin}`;
    await git(place.path, 'clone', '--quiet', ...how, source, 'user');
    await using repository = await openRepository(join(place.path, 'user'), join(place.path, 'home'));
    const { path } = await new WorktreeManager(repository, SEARCH_PATH).create('one', head, ISOLATED);
    expect(await git(path, 'status', '--porcelain')).toBe('');
    expect(await git(path, 'log', '--format=%H')).toBe(
      await git(join(place.path, 'user'), 'log', '--format=%H', head),
    );
  });

  test('is not made of a repository that would be copied for too long', async () => {
    await using world = await gitWorld({ 'a.txt': 'A\n' });
    const large = join(world.user, '.git/objects/pack/large');
    await writeFile(large, '');
    await truncate(large, 300 * 1024 * 1024); // it takes no room
    await using repository = await openRepository(world.user, world.home);
    const worktree = await new WorktreeManager(repository, SEARCH_PATH).create('one', world.head, ISOLATED);
    expect(worktree.readable).toEqual(repository.readable);
    expect(await git(worktree.path, 'log', '--format=%H')).toBe(world.head);
  });

  test('is not waited for by who is told to stop', async () => {
    await using world = await gitWorld({ 'a.txt': 'A\n' });
    const signal = AbortSignal.abort(new Error('told to stop'));
    await expect(world.worktrees.create('one', world.head, { isolated: true, signal })).rejects.toThrow(
      'told to stop',
    );
    expect(await readdir(world.repository.worktrees)).toEqual([]);
  });
});

describe('views', () => {
  test('are made once, however many ask, and begin with the packs of an ancestor’s', async () => {
    await using world = await gitWorld({ 'a.txt': 'A\n' });
    const next = await commitOn(world, [world.head], 'next');
    const ask = async (repository: Repository, name: string, commit: string) =>
      new WorktreeManager(repository, SEARCH_PATH).create(name, commit, ISOLATED);
    await using other = await openRepository(world.user, world.home); // another process
    await Promise.all(
      Array.from({ length: 10 }, async (_, index) =>
        ask(index % 2 === 0 ? world.repository : other, `w${index}`, world.head),
      ),
    );
    await ask(world.repository, 'next', next);
    expect((await readdir(viewsOf(world))).toSorted()).toEqual([world.head, next].toSorted());
    const packs = async (commit: string) =>
      (await readdir(join(viewsOf(world), commit, 'pack'))).filter((name) => name.endsWith('.pack'));
    const [first] = await packs(world.head);
    expect(await packs(next)).toHaveLength(2);
    const inode = async (commit: string) =>
      (await stat(join(viewsOf(world), commit, 'pack', first ?? ''))).ino;
    expect(await inode(next)).toBe(await inode(world.head));
  });

  test('that go while they are used are made again, and a worktree keeps what it has', async () => {
    await using world = await gitWorld({ 'a.txt': 'A\n' });
    const { path } = await world.worktrees.create('one', world.head, ISOLATED);
    const next = await commitOn(world, [world.head], 'next');
    await rm(join(viewsOf(world), world.head), { recursive: true });
    const second = await world.worktrees.create('two', next, ISOLATED);
    await rm(viewsOf(world), { recursive: true });
    for (const [worktree, commit] of [
      [path, world.head],
      [second.path, next],
    ] as const)
      expect(await seen(worktree)).toEqual(await reached(world.user, commit));
  });

  test('are removed, but for those that were used last', async () => {
    await using world = await gitWorld({ 'a.txt': 'A\n' });
    const { git: bare, objects } = world.repository;
    const place = { gitDirectory: bare.directory, objects, home: viewsOf(world), searchPath: SEARCH_PATH };
    const views = new Views({ ...place, mayLackObjects: false });
    const into = join(world.path, 'into');
    await mkdir(into);
    const commits = [world.head];
    for (let count = 0; count < 55; count += 1) {
      const since = commits.at(-1) ?? '';
      const commit = await commitOn(world, [since], `c${count}`);
      await views.linkInto(into, commit, { since });
      commits.push(commit);
    }
    await views.prune();
    const left = await readdir(viewsOf(world));
    expect(left).toHaveLength(50);
    expect(left).toContain(commits.at(-1));
    // What became many packs was packed once more.
    const packs = await readdir(join(viewsOf(world), commits.at(-1) ?? '', 'pack'));
    expect(packs.filter((name) => name.endsWith('.pack')).length).toBeLessThan(10);
  });
});
