import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { git, gitWorld } from '../../../helpers/git-repository.ts';

describe('writing objects', () => {
  test.each(['sha1', 'sha256'])(
    'gives the ids that git gives, and every byte back (%s)',
    async (objectFormat) => {
      await using world = await gitWorld({}, { objectFormat });
      const { reader, writer } = world.repository;
      const contents = [
        Buffer.of(),
        Buffer.of(0),
        Buffer.from('a\r\n\0b'),
        Buffer.from('$Id$'),
        randomBytes(3_000_000),
      ];
      const ids = await Promise.all(contents.map((content) => writer.blob(content)));
      expect(ids).toEqual(
        contents.map((content) =>
          createHash(objectFormat).update(`blob ${content.length}\0`).update(content).digest('hex'),
        ),
      );
      expect(await reader.contents(ids)).toEqual(contents);
      expect(await writer.tree([])).toBe(await git(world.user, 'rev-parse', 'HEAD^{tree}'));
      expect(await git(world.user, 'fsck', '--strict', '--no-dangling')).toBe('');
    },
  );

  test('sorts the names of a tree as git does', async () => {
    await using world = await gitWorld({ a: 'A' });
    const { writer } = world.repository;
    const [blob, empty] = [await writer.blob(Buffer.from('x')), await writer.tree([])];
    const names = ['a', 'a-', 'a.b', 'a0', 'ä', '💀', '\uffff', '-', ' ', 'Z', '\udcff', '\udc80x'];
    const tree = await writer.tree([
      ...names.map((name) => ({ mode: '100644', name, id: blob })),
      { mode: '40000', name: 'b', id: empty },
      { mode: '100644', name: 'b.', id: blob },
      { mode: '100644', name: 'b0', id: blob },
    ]);
    await git(world.user, 'read-tree', '--empty');
    expect(await git(world.user, 'fsck', '--strict', '--no-dangling', tree)).not.toContain(
      'not properly sorted',
    );
    const listed = (await git(world.user, 'ls-tree', '-z', '--name-only', tree)).split('\0');
    expect(listed.slice(0, -1)).toHaveLength(names.length + 3);
  });

  test('keeps a thousand apart that are written at once, and uses their drafts again', async () => {
    await using world = await gitWorld({ a: 'A' });
    const { reader, writer } = world.repository;
    const contents = Array.from({ length: 1_000 }, (_, number) => Buffer.from(`content ${number % 900}`));
    const ids = await Promise.all(contents.map((content) => writer.blob(content)));
    expect(await reader.contents(ids)).toEqual(contents);
    expect(new Set(ids).size).toBe(900);
    const drafts = async (): Promise<readonly string[]> => {
      const names = await readdir(world.home, { recursive: true });
      return names.filter((name) => /spool-[^/]+\/\d+$/.test(name));
    };
    const made = await drafts();
    expect(made.length).toBeLessThanOrEqual(1_000);
    for (let number = 0; number < 20; number += 1) {
      const id = await writer.blob(Buffer.from(`later ${number}`)); // shorter or longer than what a draft held
      expect(await reader.contents([id])).toEqual([Buffer.from(`later ${number}`)]);
    }
    expect(await drafts()).toEqual(made);
  });

  test('refuses what is no commit, and writes on', async () => {
    await using world = await gitWorld({ a: 'A' });
    const { writer } = world.repository;
    await expect(writer.commit('nonsense')).rejects.toThrow('this is no commit: nonsense');
    const who = 'x <x@x> 0 +0000';
    const tree = await writer.tree([]);
    const text = `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nx\n`;
    expect(await git(world.user, 'cat-file', 'commit', await writer.commit(text))).toBe(text.trimEnd());
    expect(await writer.blob(Buffer.from('x'))).toHaveLength(40);
  });

  test.each(['', '.', '..', 'a/b', '.git', '.GIT', 'a\0b'])(
    'refuses the name `%s` in a tree',
    async (name) => {
      await using world = await gitWorld({ a: 'A' });
      const { writer } = world.repository;
      const id = await writer.blob(Buffer.from('x'));
      await expect(writer.tree([{ mode: '100644', name, id }])).rejects.toMatchObject({ code: 'internal' });
    },
  );
});
