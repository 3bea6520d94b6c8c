import { execa } from 'execa';
import fc from 'fast-check';
import { chmod, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeName, parseTreeObject } from '../../../../src/git/objects/tree-format.ts';
import {
  diffTrees,
  findFile,
  findTree,
  listLinks,
  replaceFiles,
  treeOf,
} from '../../../../src/git/objects/tree-object.ts';
import { commitFiles, git, gitWorld } from '../../../helpers/git-repository.ts';

const ODD = [
  '-dash',
  'with space',
  'new\nline',
  'tab\t"quote"\\',
  'ü/💀',
  ':(top)',
  '*',
  'a',
  'a.b',
  'ab/c',
  'ab.c',
];

async function treeIn(user: string, rev = 'HEAD'): Promise<string> {
  return git(user, 'rev-parse', `${rev}^{tree}`);
}

/** What `git diff-tree` says, in the words of {@link diffTrees}. */
async function gitDiff(user: string, before: string, after: string): Promise<readonly unknown[]> {
  const words = ['-r', '-z', '--no-renames', '--no-abbrev', '--raw'];
  const fields = (await git(user, 'diff-tree', ...words, before, after)).split('\0');
  const changes = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [modeBefore = '', modeAfter = '', idBefore = '', idAfter = ''] = (fields[index] ?? '')
      .slice(1)
      .split(' ');
    const file = (mode: string, id: string): unknown => (mode === '000000' ? undefined : { mode, id });
    changes.push({
      path: fields[index + 1],
      before: file(modeBefore, idBefore),
      after: file(modeAfter, idAfter),
    });
  }
  return changes.toSorted((a, b) => ((a.path ?? '') < (b.path ?? '') ? -1 : 1));
}

describe.each(['sha1', 'sha256'])('trees (%s)', (objectFormat) => {
  test('differ as git says they do', async () => {
    await using world = await gitWorld(Object.fromEntries(ODD.map((path) => [path, path])), { objectFormat });
    const { reader } = world.repository;
    const first = await treeIn(world.user);
    await chmod(join(world.user, 'a'), 0o755);
    await rm(join(world.user, 'ab'), { recursive: true });
    await symlink('a', join(world.user, 'ab'));
    await rm(join(world.user, '*'));
    await git(world.user, 'update-index', '--add', '--cacheinfo', `160000,${world.head},module`);
    await commitFiles(world.user, { '*/deep/er': 'x', 'ü/new': 'x', 'with space': 'changed' });
    const second = await treeIn(world.user);
    const empty = await world.repository.writer.tree([]);
    for (const [a, b] of [
      [first, second],
      [second, first],
      [empty, second],
      [second, empty],
      [first, first],
    ] as const)
      expect(await diffTrees(reader, a, b)).toEqual(await gitDiff(world.user, a, b));
    expect(await diffTrees(reader, first, second)).not.toHaveLength(0);
  });

  test('with files replaced are what git makes of them', async () => {
    await using world = await gitWorld({ 'a/b/c': 'C', 'a/b/d': 'D', e: 'E', 'f/g': 'G' }, { objectFormat });
    const { reader, writer } = world.repository;
    const files = { 'a/b/c': 'new', 'n/e/w': 'x', 'e/now/a/tree': 'x', f: 'now a file', '-x\n': 'x', ü: 'x' };
    const ids = await Promise.all(Object.values(files).map((text) => writer.blob(Buffer.from(text))));
    const entries = Object.keys(files).map(
      (path, index) => [path, { mode: '100755', id: ids[index] ?? '' }] as const,
    );
    const tree = await replaceFiles(world.repository, await treeOf(reader, world.head), new Map(entries));
    for (const path of ['e', 'f']) await git(world.user, 'rm', '-r', '--quiet', path);
    for (const [index, path] of Object.keys(files).entries())
      await git(world.user, 'update-index', '--add', '--cacheinfo', `100755,${ids[index]},${path}`);
    expect(tree).toBe(await git(world.user, 'write-tree'));
    expect(await git(world.user, 'fsck', '--strict', '--no-dangling')).toBe('');
    expect(await replaceFiles(world.repository, undefined, new Map())).toBe(await writer.tree([]));
    expect(await findFile(reader, tree, 'n/e/w')).toEqual({ mode: '100755', id: ids[1] });
  });
});

describe('looking into trees', () => {
  test('finds files, directories and links, and nothing where there is nothing', async () => {
    await using world = await gitWorld({ 'a/b/c': 'C' });
    await symlink('../x', join(world.user, 'a/link'));
    await symlink('a', join(world.user, 'top'));
    const tree = await treeIn(world.user, await commitFiles(world.user, {}));
    const { reader } = world.repository;
    const id = async (rev: string): Promise<string> => git(world.user, 'rev-parse', `HEAD:${rev}`);
    expect(await findFile(reader, tree, 'a/b/c')).toEqual({ mode: '100644', id: await id('a/b/c') });
    expect(await findFile(reader, tree, 'a/link')).toEqual({ mode: '120000', id: await id('a/link') });
    expect(await findTree(reader, tree, 'a/b')).toEqual({ mode: '40000', id: await id('a/b') });
    expect(await listLinks(reader, tree)).toEqual(
      new Map([
        ['top', await id('top')],
        ['a/link', await id('a/link')],
      ]),
    );
    for (const path of ['a', 'a/b', 'a/b/c/d', 'x', 'top/b/c', '', 'a//b', '..'])
      expect(await findFile(reader, tree, path)).toBeUndefined();
    for (const path of ['a/b/c', 'top', 'x', '']) expect(await findTree(reader, tree, path)).toBeUndefined();
    await expect(findFile(reader, world.head, 'a')).rejects.toMatchObject({ code: 'git' });
    await expect(treeOf(reader, tree)).rejects.toMatchObject({ code: 'git' });
  });

  test('keeps names that are no text, each for itself', async () => {
    await using world = await gitWorld({ a: 'A' });
    const { reader, writer } = world.repository;
    const blob = await git(world.user, 'rev-parse', 'HEAD:a');
    const names = [Buffer.of(0xff), Buffer.of(0xfe), Buffer.from([0x61, 0xe4, 0x62]), Buffer.from('\ufffd')];
    const input = Buffer.concat(
      names.flatMap((name) => [Buffer.from(`100644 blob ${blob}\t`), name, Buffer.of(0)]),
    );
    const { stdout: before } = await execa('git', ['mktree', '-z'], { cwd: world.user, input });
    const after = await replaceFiles(
      world.repository,
      before,
      new Map([['a', { mode: '100644', id: blob }]]),
    );
    expect(await diffTrees(reader, before, after)).toEqual([
      { path: 'a', before: undefined, after: { mode: '100644', id: blob } },
    ]);
    const raw = await execa('git', ['ls-tree', '-z', '--name-only', after], {
      cwd: world.user,
      encoding: 'buffer',
    });
    for (const name of names) expect(Buffer.from(raw.stdout).includes(name)).toBe(true);
    const changes = await diffTrees(reader, before, await writer.tree([]));
    for (const { path } of changes)
      expect(encodeName(`ü/💀/${path}`)).toEqual(Buffer.concat([Buffer.from('ü/💀/'), encodeName(path)]));
    expect(changes.map(({ path }) => encodeName(path).toString('hex')).sort()).toEqual(
      names.map((name) => name.toString('hex')).sort(),
    );
  });

  test('gives every name back byte for byte', () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 12 }).filter((bytes) => !bytes.includes(0));
    fc.assert(
      fc.property(fc.array(name, { maxLength: 5 }), (list) => {
        const id = Buffer.alloc(20, 7);
        const content = Buffer.concat(
          list.flatMap((bytes) => [Buffer.from('100644 '), bytes, Buffer.of(0), id]),
        );
        const items = parseTreeObject(content, 20);
        expect(items?.map((item) => encodeName(item.name))).toEqual(list.map((bytes) => Buffer.from(bytes)));
        const path = (items ?? []).map((item) => item.name).join('/');
        const bytes = list.flatMap((each, index) => (index === 0 ? [...each] : [0x2f, ...each]));
        expect(encodeName(path)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test.each(['100644', '100644 a', '100644 a\0', '100644 a\0short', 'x'.repeat(30)])(
    '`%s` is no tree',
    (text) => {
      expect(parseTreeObject(Buffer.from(text), 20)).toBeUndefined();
    },
  );
});
