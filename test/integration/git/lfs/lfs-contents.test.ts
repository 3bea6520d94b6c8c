import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Origin } from '../../../../src/git/branches.ts';
import { findNewContents } from '../../../../src/git/lfs/commit-contents.ts';
import { LfsContents } from '../../../../src/git/lfs/lfs-contents.ts';
import { contentPath } from '../../../../src/git/lfs/pointer.ts';
import { diffTrees, treeOf } from '../../../../src/git/objects/tree-object.ts';
import { commitFiles, git, gitWorld } from '../../../helpers/git-repository.ts';
import { pointerTo, startLfsServer, storeContents } from '../../../helpers/lfs.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const RULES = '*.bin filter=lfs diff=lfs merge=lfs -text\n';
const [ONE, TWO] = ['one\n'.repeat(50_000), 'two'];
const nowhere: Origin = { remote: '/nonexistent', near: undefined, contents: undefined };

async function lfsWorld(files: Readonly<Record<string, string>> = {}) {
  const world = await gitWorld({
    '.gitattributes': RULES,
    'a.bin': pointerTo(ONE).text,
    'dir/b.bin': pointerTo(TWO).text,
    'plain.txt': pointerTo('text').text,
    ...files,
  });
  await storeContents(join(world.user, '.git'), ONE, TWO);
  return world;
}

describe('a worktree with files of Git LFS', () => {
  test('has contents in place of pointers, and the pointers are what is staged', async () => {
    await using world = await lfsWorld();
    const { reader, lfs } = world.repository;
    const worktree = await world.worktrees.create('one', world.head, { lfs: true });
    const at = (path: string): string => join(worktree.path, path);
    const tree = await treeOf(reader, world.head);
    expect(await readFile(at('a.bin'), 'utf8')).toBe(ONE);
    expect(await readFile(at('dir/b.bin'), 'utf8')).toBe(TWO);
    expect(await readFile(at('plain.txt'), 'utf8')).toBe(pointerTo('text').text);
    // Files with new times, and written again with the same content, as any tool may do.
    await utimes(at('a.bin'), new Date(), new Date(1_000));
    await writeFile(at('dir/b.bin'), TWO);
    await chmod(at('dir/b.bin'), 0o600);
    expect(await worktree.stage(await worktree.look())).toBe(tree);
    expect(await worktree.discardChanges(await worktree.look())).toEqual([]);

    const judge = async (): Promise<readonly string[]> => {
      const staged = await worktree.stage(await worktree.look());
      const changes = await diffTrees(reader, tree, staged);
      return (await findNewContents(reader, changes, lfs)).map(({ path }) => path);
    };
    // What was moved and removed is a change like any other; new contents are not to be had anywhere.
    await git(worktree.path, 'mv', 'a.bin', 'moved.bin').catch(() => '');
    await writeFile(at('moved.bin'), ONE);
    expect(await judge()).toEqual([]);
    await writeFile(at('dir/b.bin'), 'changed');
    await writeFile(at('new.bin'), 'new');
    await writeFile(at('fake.bin'), pointerTo('nowhere').text);
    expect(await judge()).toEqual(['dir/b.bin', 'fake.bin', 'new.bin']);
    await worktree.restore(tree, ['dir/b.bin', 'fake.bin', 'new.bin']);
    expect(await readFile(at('dir/b.bin'), 'utf8')).toBe(TWO);
    expect(existsSync(at('new.bin'))).toBe(false);
    expect(await judge()).toEqual([]);
    await writeFile(at('dir/b.bin'), 'again');
    expect(await worktree.discardChanges(await worktree.look())).toEqual(['dir/b.bin']);
    expect(await readFile(at('dir/b.bin'), 'utf8')).toBe(TWO);
    await worktree.remove();

    const without = await world.worktrees.create('two', world.head);
    expect(await readFile(join(without.path, 'a.bin'), 'utf8')).toBe(pointerTo(ONE).text);
    await without.remove();
  });

  test('is not made where a commit says what cannot be', async () => {
    await using world = await lfsWorld();
    const refused = async (files: Readonly<Record<string, string>>): Promise<string> => {
      const commit = await commitFiles(world.user, files);
      const made = world.worktrees.create(`x${commit}`, commit, { lfs: true });
      return made.then(
        () => 'made',
        (error: Error) => error.message,
      );
    };
    expect(await refused({ 'c.bin': pointerTo('three').text })).toMatch(
      /^a file of Git LFS cannot be fetched from .*: it is not there/,
    );
    const large = pointerTo(ONE).text.replace(/size \d+/, `size ${'9'.repeat(15)}`);
    expect(await refused({ 'c.bin': large })).toContain('choo checks out 4 GiB at most');
    // A size that lies is found before anything is written.
    expect(await refused({ 'c.bin': pointerTo(ONE).text.replace(/size \d+/, 'size 7') })).toContain(
      'it is not there',
    );
    expect(await refused({ 'c.bin': 'as it is' })).toBe(
      '`c.bin` belongs to Git LFS, and is committed as it is',
    );
    expect(await refused({ 'c.bin': '' })).toBe('made');
    // No setting of the repository is read, and another filter is none.
    const settings = '[lfs]\n\turl = http://127.0.0.1:1/\n[lfs "customtransfer.x"]\n\tpath = /bin/false\n';
    const rules = `${RULES}*.txt filter=evil\n`;
    expect(await refused({ '.lfsconfig': settings, '.gitattributes': rules, 'd.txt': 'd' })).toBe('made');
  });

  test('has links as they are, whatever they point to', async () => {
    await using world = await lfsWorld();
    await symlink(pointerTo('target').text, join(world.user, 'link.bin'));
    const commit = await commitFiles(world.user, {});
    const worktree = await world.worktrees.create('one', commit, { lfs: true });
    expect(await worktree.stage(await worktree.look())).toBe(await treeOf(world.repository.reader, commit));
    await worktree.remove();
  });
});

describe('contents', () => {
  const { signal } = new AbortController();

  test('are taken from this machine only where they are what the pointer names', async () => {
    await using place = await temporaryDirectory();
    const lfs = new LfsContents(join(place.path, 'lfs'));
    const from = join(place.path, 'from');
    const path = contentPath(from, pointerTo(ONE));
    await mkdir(dirname(path), { recursive: true });
    const fetch = async (): Promise<void> =>
      lfs.fetch([pointerTo(ONE)], { ...nowhere, contents: from }, signal);
    await writeFile(path, `${ONE.slice(0, -1)}!`);
    await expect(fetch()).rejects.toThrow('cannot be fetched');
    // A link may lead to what its user may not see.
    const elsewhere = join(place.path, 'elsewhere');
    await writeFile(elsewhere, ONE);
    await rm(path);
    await symlink(elsewhere, path);
    await expect(fetch()).rejects.toThrow('cannot be fetched');
    await rm(path);
    expect(await lfs.has(pointerTo(ONE))).toBe(false);
    await writeFile(path, ONE);
    await fetch();
    expect(await lfs.has(pointerTo(ONE))).toBe(true);
    expect(await lfs.has({ ...pointerTo(ONE), size: 1 })).toBe(false);
  });

  test('are asked of the host of the remote, once, with credentials for it alone', async () => {
    await using place = await temporaryDirectory();
    await using server = await startLfsServer([ONE, TWO], {
      action: (href) => ({ href, header: { Authorization: 'of the content' } }),
    });
    const lfs = new LfsContents(join(place.path, 'lfs'));
    const origin = { ...nowhere, remote: server.remote, authorization: 'of the remote' };
    const pointers = [pointerTo(ONE), pointerTo(TWO)];
    await Promise.all([lfs.fetch(pointers, origin, signal), lfs.fetch(pointers, origin, signal)]);
    expect(await readFile(contentPath(lfs.directory, pointerTo(ONE)), 'utf8')).toBe(ONE);
    const content = 'GET /content/OID of the content';
    expect(server.requests).toEqual([
      'POST /owner/name.git/info/lfs/objects/batch of the remote',
      content,
      content,
    ]);
  });

  test.each<[string, string, Parameters<typeof startLfsServer>[1]]>([
    ['sends more', 'is not what the pointer names', { sends: (content) => `${content}!` }],
    ['sends less', 'is not what the pointer names', { sends: (content) => content.slice(1) }],
    [
      'sends something else',
      'is not what the pointer names',
      { sends: (content) => content.replace('o', '0') },
    ],
    ['has it nowhere', 'no such object', { action: () => undefined }],
    [
      'names a file of this machine',
      'without encryption',
      { action: () => ({ href: 'file:///etc/passwd' }) },
    ],
    [
      'sends to another place',
      'redirect',
      { action: (href) => ({ href: href.replace(/\/content.*/, '/elsewhere') }) },
    ],
  ])('are refused from a host that %s', async (_, reason, options) => {
    await using place = await temporaryDirectory();
    await using server = await startLfsServer([TWO], options);
    const lfs = new LfsContents(join(place.path, 'lfs'));
    const fetching = lfs.fetch([pointerTo(TWO)], { ...nowhere, remote: server.remote }, signal);
    await expect(fetching).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining(reason),
    });
    expect(await lfs.has(pointerTo(TWO))).toBe(false);
    expect(server.requests.filter((line) => line.includes('stolen'))).toEqual([]);
  });
});
