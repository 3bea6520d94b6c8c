import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findForbidden, MAX_COMMITTED_FILE_BYTES } from '../../../src/git/forbidden-changes.ts';
import { diffTrees, treeOf } from '../../../src/git/objects/tree-object.ts';
import { commitFiles, git, type GitWorld, gitWorld } from '../../helpers/git-repository.ts';

/** A world with links of the user's own, one of them to a place outside. */
async function world(): Promise<GitWorld> {
  const made = await gitWorld({ 'a/b/c.txt': 'C', 'd.txt': 'D' });
  await linkTo(made.user, 'inside', 'a/b/../b');
  await linkTo(made.user, 'a/theirs', '/etc/hosts');
  await linkTo(made.user, 'a/through', 'b/../../d.txt');
  return { ...made, head: await commitFiles(made.user, {}) };
}

async function linkTo(root: string, path: string, target: string): Promise<void> {
  await rm(join(root, path), { recursive: true, force: true });
  await mkdir(dirname(join(root, path)), { recursive: true });
  await symlink(target, join(root, path));
}

/** What is found in the changes that `change` makes in a worktree. */
async function judged(
  place: GitWorld,
  change: (root: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const { reader } = place.repository;
  const worktree = await place.worktrees.create('one', place.head);
  await change(worktree.path);
  const tree = await worktree.stage();
  const before = await treeOf(reader, place.head);
  const found = await findForbidden(reader, tree, await diffTrees(reader, before, tree));
  return found.map(({ path, reason }) => `${reason} ${path}`);
}

describe('what must not be committed', () => {
  test.each<readonly [what: string, change: (root: string) => Promise<unknown>, found: readonly string[]]>([
    ['nothing', async () => {}, []],
    [
      'a file of 64 MiB, and one a byte larger',
      async (root) => {
        await writeFile(join(root, 'large'), Buffer.alloc(MAX_COMMITTED_FILE_BYTES));
        await writeFile(join(root, 'too-large'), Buffer.alloc(MAX_COMMITTED_FILE_BYTES + 1));
      },
      ['size too-large'],
    ],
    ['ordinary work', async (root) => writeFile(join(root, 'a/b/new'), 'x'), []],
    ['a link inside', async (root) => linkTo(root, 'x/y', '../a/b/c.txt'), []],
    ['a link out', async (root) => linkTo(root, 'x/y', '../../a'), ['link x/y']],
    ['an absolute link', async (root) => linkTo(root, 'x', root), ['link x']],
    [
      'a link that is not the user’s any more',
      async (root) => linkTo(root, 'a/theirs', '/etc/passwd'),
      ['link a/theirs'],
    ],
    ['the user’s link out, gone', async (root) => rm(join(root, 'a/theirs')), []],
    ['a link through the user’s link out', async (root) => linkTo(root, 'x', 'a/theirs'), ['link x']],
    [
      'a link that sends others out',
      async (root) => linkTo(root, 'a/b', '..'),
      ['link inside', 'link a/through'],
    ],
    [
      'a link to a link of another change',
      async (root) => {
        await linkTo(root, 'one', 'two/..');
        await linkTo(root, 'two', '.');
      },
      ['link one'],
    ],
    ['a link too long for any system', async (root) => linkTo(root, 'x', `${'a/'.repeat(2_040)}b`), []],
    ['a link into .git', async (root) => linkTo(root, 'hooks', '.git/hooks'), ['link hooks']],
    ['.gitmodules', async (root) => writeFile(join(root, '.gitmodules'), ''), ['submodules .gitmodules']],
    [
      'another repository',
      async (root) => {
        await mkdir(join(root, 'sub'));
        await commitFiles(join(root, 'sub'), { x: 'x' });
      },
      ['gitlink sub'],
    ],
    [
      'a name of git’s own on macOS',
      async (root) => writeFile(join(root, '.g\u200cit'), ''),
      ['name .g\u200cit'],
    ],
    [
      'a name that is no text',
      async (root) => writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff)]), 'x'),
      ['name \udcff'],
    ],
  ])('%s', async (_, change, found) => {
    await using place = await world();
    expect(await judged(place, change)).toEqual(found);
  });

  test('a link that is larger than any path, made without a worktree', async () => {
    await using place = await world();
    const { reader, writer } = place.repository;
    const id = await writer.blob(Buffer.from('a/'.repeat(3_000)));
    const tree = await writer.tree([{ mode: '120000', name: 'x', id }]);
    const changes = await diffTrees(reader, await writer.tree([]), tree);
    expect(await findForbidden(reader, tree, changes)).toMatchObject([{ path: 'x', reason: 'link' }]);
    expect(await git(place.user, 'status', '--porcelain')).toBe('');
  });
});
