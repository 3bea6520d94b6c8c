import { execa } from 'execa';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findRepository, repositoryHome } from '../../../src/git/repository.ts';
import { WorktreeManager } from '../../../src/git/worktree.ts';
import {
  commitFiles,
  git,
  gitWorld,
  openRepository,
  snapshot,
  writeFiles,
} from '../../helpers/git-repository.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const SEARCH_PATH = process.env['PATH'] ?? '';

/** A commit on top of another, with its tree. */
async function child(user: string, parent: string, message: string): Promise<string> {
  return git(user, 'commit-tree', '-p', parent, '-m', message, `${parent}^{tree}`);
}

/** The processes that this one has started and that still run. */
async function children(): Promise<readonly string[]> {
  const tasks = await readdir('/proc/self/task');
  const lists = tasks.map((task) => readFile(`/proc/self/task/${task}/children`, 'utf8').catch(() => ''));
  return (await Promise.all(lists))
    .join('')
    .split(' ')
    .filter((id) => id !== '');
}

describe('finding the repository', () => {
  test('tells where its things are, seen from its root, from below and from a linked worktree', async () => {
    await using world = await gitWorld({ 'a/b/c': 'C' });
    const expected = {
      commonDirectory: join(world.user, '.git'),
      objects: join(world.user, '.git/objects'),
      objectFormat: 'sha1',
    };
    await git(world.user, 'worktree', 'add', '--quiet', join(world.path, 'linked'));
    expect(await findRepository(world.user, SEARCH_PATH)).toEqual({ ...expected, prefix: '' });
    expect(await findRepository(join(world.user, 'a/b'), SEARCH_PATH)).toEqual({
      ...expected,
      prefix: 'a/b/',
    });
    expect(await findRepository(join(world.path, 'linked'), SEARCH_PATH)).toEqual({
      ...expected,
      prefix: '',
    });
  });

  test('says so when there is none, and when its path has a line end', async () => {
    await using place = await temporaryDirectory();
    await expect(findRepository(place.path, SEARCH_PATH)).rejects.toMatchObject({ code: 'usage' });
    const odd = join(place.path, 'a\nb');
    await mkdir(odd);
    await commitFiles(odd, { a: 'A' });
    await expect(findRepository(odd, SEARCH_PATH)).rejects.toThrow('line end');
  });

  test('gives every repository a home of its own, named after it', () => {
    const place = { objects: '', objectFormat: 'sha1', prefix: '' };
    const home = (commonDirectory: string): string => repositoryHome('/data', { ...place, commonDirectory });
    expect(home('/x/my app/.git')).toMatch(/^\/data\/repositories\/my-app-[0-9a-f]{12}$/);
    expect(home('/x/bare.git')).toMatch(/^\/data\/repositories\/bare\.git-[0-9a-f]{12}$/);
    expect(home('/y/bare.git')).not.toBe(home('/x/bare.git'));
  });
});

describe('the repository behind the worktrees', () => {
  test.each(['sha1', 'sha256'])(
    'has the objects of the user and nothing else of theirs (%s)',
    async (objectFormat) => {
      await using world = await gitWorld({ a: 'A' }, { objectFormat });
      const before = await snapshot(join(world.user, '.git'));
      const worktree = await world.worktrees.create('one', world.head);
      await writeFiles(worktree.path, { b: 'B' });
      const tree = await worktree.stage();
      const after = await snapshot(join(world.user, '.git'));
      expect(await git(world.user, 'ls-tree', '--name-only', tree)).toBe('a\nb');
      const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
      expect(changed.filter((path) => !path.startsWith('objects/'))).toEqual([]);
      expect(await git(world.repository.git.directory, 'rev-parse', '--show-object-format')).toBe(
        objectFormat,
      );
      expect(await git(world.user, 'fsck', '--strict', '--no-dangling')).toBe('');
    },
  );

  test.each([
    ['bare', async (path: string) => git(path, 'clone', '--quiet', '--bare', 'origin', 'user')],
    [
      'shallow',
      async (path: string) => git(path, 'clone', '--quiet', '--depth=1', `file://${path}/origin`, 'user'),
    ],
    [
      'borrowing its objects',
      async (path: string) => git(path, 'clone', '--quiet', '--shared', 'origin', 'user'),
    ],
    [
      'a linked worktree',
      async (path: string) => git(join(path, 'origin'), 'worktree', 'add', '--quiet', '../user'),
    ],
  ])('works when the user’s is %s', async (_, make) => {
    await using place = await temporaryDirectory();
    const origin = join(place.path, 'origin');
    await mkdir(origin);
    await commitFiles(origin, { a: 'A' });
    const head = await commitFiles(origin, { b: 'B' });
    await make(place.path);
    const user = join(place.path, 'user');
    await using repository = await openRepository(user, join(place.path, 'home'));
    const worktree = await new WorktreeManager(repository, SEARCH_PATH).create('one', head);
    expect((await readdir(worktree.path)).sort()).toEqual(['.git', 'a', 'b']);
    expect(await git(worktree.path, 'status', '--porcelain')).toBe('');
    const log = await git(worktree.path, 'log', '--format=%H');
    expect(log).toBe(await git(user, 'log', '--format=%H', head));
    await repository.publish('choo/x', head, undefined);
    expect(await git(user, 'rev-parse', 'refs/heads/choo/x')).toBe(head);
    // A sandbox that sees only these has every object.
    for (const id of (await git(user, 'rev-list', '--objects', '--no-object-names', head)).split('\n')) {
      const file = join(id.slice(0, 2), id.slice(2));
      const held = await Promise.all(
        repository.readable.map(async (directory) =>
          readFile(join(directory, file)).then(
            () => true,
            () => false,
          ),
        ),
      );
      const packs = await Promise.all(
        repository.readable.map(async (directory) => readdir(join(directory, 'pack')).catch(() => [])),
      );
      expect(held.includes(true) || packs.flat().length > 0).toBe(true);
    }
  });

  test('is opened by ten at once, and by one after the other', async () => {
    await using world = await gitWorld({ a: 'A' });
    const home = join(world.path, 'other-home');
    const opened = await Promise.all(Array.from({ length: 10 }, () => openRepository(world.user, home)));
    const contents = opened.map((_, index) => Buffer.from(`blob ${index}`));
    const ids = await Promise.all(
      opened.map((each, index) => each.writer.blob(contents[index] ?? Buffer.of())),
    );
    await openRepository(world.user, home).then((one) => one[Symbol.asyncDispose]());
    const more = await Promise.all(opened.map((each) => each.writer.blob(Buffer.from('again'))));
    expect(new Set(more).size).toBe(1);
    expect(await opened[0]?.reader.contents(ids)).toEqual(contents);
    await Promise.all(opened.map((each) => each[Symbol.asyncDispose]()));
  });

  test('is made anew when the user made theirs anew with other hashes', async () => {
    await using world = await gitWorld({ a: 'A' });
    await git(world.path, 'init', '--quiet', '--object-format=sha256', 'again');
    const head = await commitFiles(join(world.path, 'again'), { a: 'A' });
    await using repository = await openRepository(join(world.path, 'again'), world.home);
    await new WorktreeManager(repository, SEARCH_PATH).create('one', head);
    expect(head).toHaveLength(64);
  });

  test('follows the user’s history when it is fetched in full', async () => {
    await using place = await temporaryDirectory();
    const origin = join(place.path, 'origin');
    await mkdir(origin);
    const first = await commitFiles(origin, { a: 'A' });
    const head = await commitFiles(origin, { b: 'B' });
    await git(place.path, 'clone', '--quiet', '--depth=1', `file://${origin}`, 'user');
    const [user, home] = [join(place.path, 'user'), join(place.path, 'home')];
    {
      await using repository = await openRepository(user, home);
      expect(await repository.git.run('rev-list', head)).toBe(`${head}\n`);
    }
    await git(user, 'fetch', '--quiet', '--unshallow');
    await using repository = await openRepository(user, home);
    expect(await repository.git.run('rev-list', head)).toBe(`${head}\n${first}\n`);
    const base = await repository.git.ask('merge-base', first, head);
    expect(base).toEqual({ yes: true, stdout: `${first}\n` });
  });

  test('leaves no process and no draft behind when it is disposed of, whatever it was doing', async () => {
    const before = await children();
    await using world = await gitWorld({ a: 'A' });
    const { reader, writer } = world.repository;
    const pending = [writer.blob(Buffer.from('x')), writer.tree([]), reader.info(['0'.repeat(40)])];
    await Promise.all(pending);
    const late = [
      writer.blob(Buffer.alloc(5_000_000)),
      writer.commit('no commit'),
      reader.info(['1'.repeat(40)]),
    ];
    const settled = Promise.allSettled(late);
    await world.repository[Symbol.asyncDispose]();
    await settled;
    expect(await children()).toEqual(before);
    expect((await readdir(world.home)).sort()).toEqual(['cache.git', 'scratch', 'worktrees']);
    expect(await readdir(join(world.home, 'scratch'))).toEqual([]);
  });
});

test('a process that has disposed of its repository ends', async () => {
  await using world = await gitWorld({ a: 'A' });
  const module = join(import.meta.dirname, '../../../src/git/repository.ts');
  const script = `
    const { findRepository, Repository } = await import(${JSON.stringify(module)});
    const place = await findRepository(${JSON.stringify(world.user)}, process.env.PATH);
    await using repository = await Repository.open(place, ${JSON.stringify(world.home)}, process.env.PATH);
    await repository.writer.blob(Buffer.from('x'));
    await repository.git.run('version');`;
  const { timedOut, exitCode } = await execa(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 20_000,
    reject: false,
  });
  expect({ timedOut, exitCode }).toEqual({ timedOut: false, exitCode: 0 });
});

describe('publishing a branch', () => {
  test('makes it, moves it, and tells where it stands', async () => {
    await using world = await gitWorld({ a: 'A' });
    const next = await child(world.user, world.head, 'next');
    expect(await world.repository.branchHead('choo/unit/main/a')).toBeUndefined();
    await world.repository.publish('choo/unit/main/a', world.head, undefined);
    expect(await world.repository.branchHead('choo/unit/main/a')).toBe(world.head);
    await world.repository.publish('choo/unit/main/a', next, world.head);
    expect(await world.repository.branchHead('choo/unit/main/a')).toBe(next);
    expect(await git(world.user, 'reflog', '--format=%gs', 'choo/unit/main/a')).toBe('choo\nchoo');
    expect(await git(world.user, 'status', '--porcelain', '--branch')).toBe('## main');
  });

  test('does nothing the second time', async () => {
    await using world = await gitWorld({ a: 'A' });
    const next = await child(world.user, world.head, 'next');
    for (const expected of [undefined, undefined, world.head])
      await world.repository.publish('x', world.head, expected);
    await world.repository.publish('x', next, world.head);
    await world.repository.publish('x', next, world.head);
    expect(await world.repository.branchHead('x')).toBe(next);
  });

  test('is won by exactly one of ten', async () => {
    await using world = await gitWorld({ a: 'A' });
    const heads = await Promise.all(
      Array.from({ length: 10 }, async (_, number) => child(world.user, world.head, String(number))),
    );
    for (const expected of [undefined, world.head]) {
      const branch = expected === undefined ? 'fresh' : 'moved';
      if (expected !== undefined) await world.repository.publish(branch, expected, undefined);
      const ends = await Promise.allSettled(
        heads.map((head) => world.repository.publish(branch, head, expected)),
      );
      const won = heads.filter((_, index) => ends[index]?.status === 'fulfilled');
      expect(won).toEqual([await world.repository.branchHead(branch)]);
      const refusals = ends
        .filter((end) => end.status === 'rejected')
        .map(({ reason }) => String(reason.code));
      expect(refusals.filter((code) => code !== 'conflict' && code !== 'git')).toEqual([]);
    }
  });

  test('is refused where the branch stands elsewhere, is gone, or is there already', async () => {
    await using world = await gitWorld({ a: 'A' });
    const next = await child(world.user, world.head, 'next');
    const other = await child(world.user, world.head, 'other');
    await world.repository.publish('x', other, undefined);
    const refusals = [
      world.repository.publish('x', next, world.head),
      world.repository.publish('x', next, undefined),
      world.repository.publish('gone', next, world.head),
    ];
    for (const end of await Promise.allSettled(refusals)) {
      expect(end).toMatchObject({
        status: 'rejected',
        reason: { code: 'conflict', message: expect.stringContaining('not where choo left it') },
      });
    }
    expect(await world.repository.branchHead('x')).toBe(other);
    expect(await world.repository.branchHead('gone')).toBeUndefined();
  });

  test('names the branch that leaves no room for another', async () => {
    await using world = await gitWorld({ a: 'A' });
    await world.repository.publish('choo', world.head, undefined);
    await expect(world.repository.publish('choo/unit/main/a', world.head, undefined)).rejects.toMatchObject({
      code: 'conflict',
      message: 'the branch `choo` leaves no room for `choo/unit/main/a`',
      hint: 'rename it: `git branch -m choo <new name>`',
    });
    await world.repository.publish('b/c', world.head, undefined);
    await expect(world.repository.publish('b', world.head, undefined)).rejects.toThrow(
      '`b/c` leaves no room for `b`',
    );
  });

  test('says what git says when something else is wrong', async () => {
    await using world = await gitWorld({ a: 'A' });
    await expect(world.repository.publish('x', '1'.repeat(40), undefined)).rejects.toMatchObject({
      code: 'git',
    });
    await expect(world.repository.publish('a..b', world.head, undefined)).rejects.toMatchObject({
      code: 'git',
    });
    await writeFile(join(world.user, '.git/refs/heads/x.lock'), '');
    await expect(world.repository.publish('x', world.head, undefined)).rejects.toThrow(/x\.lock/);
  });

  test('moves no other branch through one that only points at it', async () => {
    await using world = await gitWorld({ a: 'A' });
    await git(world.user, 'symbolic-ref', 'refs/heads/alias', 'refs/heads/main');
    const next = await child(world.user, world.head, 'next');
    await world.repository.publish('alias', next, world.head);
    expect(await world.repository.branchHead('main')).toBe(world.head);
    expect(await world.repository.branchHead('alias')).toBe(next);
  });

  test('takes a branch’s name for nothing but a name', async () => {
    await using world = await gitWorld({ a: 'A' });
    await world.repository.publish('deep/below', world.head, undefined);
    for (const name of ['deep', 'main^{tree}', 'main~0', 'mai*', '', '--all', 'heads/main'])
      expect(await world.repository.branchHead(name)).toBeUndefined();
  });
});
