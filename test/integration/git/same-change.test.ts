import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findUnequalFiles } from '../../../src/git/same-change.ts';
import { git, gitWorld, writeFiles } from '../../helpers/git-repository.ts';

type Files = Readonly<Record<string, string | Uint8Array>>;
/** What a person does to a work tree. */
type Edit = Files | ((directory: string) => Promise<void>);

const LINES = Array.from({ length: 12 }, (_, line) => `line ${line}\n`);
function lines(changes: Readonly<Record<number, string>>, end = '\n'): string {
  return LINES.map((line, at) => (changes[at] === undefined ? line : `${changes[at]}\n`))
    .join('')
    .replaceAll('\n', end);
}
const NUL = Buffer.from([0, 1, 2]);
const STRANGE = 'a "b"\n@@ -1 +1 @@\ndiff --git a\tü';

/** Changes a base, and a moved base, and compares both changes. */
async function compare(base: Files, one: Edit, moved: Edit, other: Edit): Promise<readonly string[]> {
  await using world = await gitWorld({ keep: 'it', ...base });
  const { user, repository, head } = world;
  const commit = async (from: string, edit: Edit): Promise<string> => {
    await git(user, 'checkout', '--quiet', '--detach', from);
    if (typeof edit === 'function') await edit(user);
    else await writeFiles(user, edit);
    await git(user, 'add', '--all');
    await git(user, 'commit', '--quiet', '--allow-empty', '--message=step');
    return git(user, 'rev-parse', 'HEAD');
  };
  const onto = await commit(head, moved);
  return await findUnequalFiles(
    repository,
    { from: head, to: await commit(head, one) },
    { from: onto, to: await commit(onto, other) },
  );
}

const remove =
  (...paths: readonly string[]): Edit =>
  async (directory) => {
    for (const path of paths) await rm(join(directory, path));
  };
const mode =
  (path: string, bits: number, content?: string): Edit =>
  async (directory) => {
    if (content !== undefined) await writeFile(join(directory, path), content);
    await chmod(join(directory, path), bits);
  };

describe('the same change', () => {
  test.each<[string, Files, Edit, Edit, Edit]>([
    ['is nothing', {}, {}, { other: 'x' }, {}],
    [
      'is at another line, beside another neighbour',
      { a: lines({}) },
      { a: lines({ 5: 'mine' }) },
      { a: `first\n${lines({ 4: 'theirs' })}` },
      { a: `first\n${lines({ 4: 'theirs', 5: 'mine' })}` },
    ],
    ['adds a file', {}, { 'd/new': 'x' }, { keep: 'y' }, { 'd/new': 'x' }],
    ['removes a file', { a: 'x' }, remove('a'), { keep: 'y' }, remove('a')],
    [
      'renames a file',
      { a: 'x' },
      async (at) => void (await git(at, 'mv', 'a', 'b')),
      { keep: 'y' },
      async (at) => void (await git(at, 'mv', 'a', 'b')),
    ],
    ['flips a mode', { a: 'x' }, mode('a', 0o755), { keep: 'y' }, mode('a', 0o755)],
    [
      'changes lines of a file whose mode the target changed',
      { a: lines({}) },
      { a: lines({ 5: 'mine' }) },
      mode('a', 0o755),
      mode('a', 0o755, lines({ 5: 'mine' })),
    ],
    [
      'is in a binary file that the target left alone',
      { a: NUL },
      { a: Buffer.from([0, 9]) },
      {},
      { a: Buffer.from([0, 9]) },
    ],
    [
      'has any name',
      { [STRANGE]: lines({}) },
      { [STRANGE]: lines({ 5: 'mine' }) },
      { [STRANGE]: lines({ 1: 'theirs' }) },
      { [STRANGE]: lines({ 1: 'theirs', 5: 'mine' }) },
    ],
    [
      'has any bytes in its lines',
      { a: lines({}) },
      { a: Buffer.concat([Buffer.from(lines({ 5: 'diff --git a/0 b/0' })), Buffer.of(0xff, 0x0a)]) },
      { a: lines({ 1: 'theirs' }) },
      {
        a: Buffer.concat([
          Buffer.from(lines({ 1: 'theirs', 5: 'diff --git a/0 b/0' })),
          Buffer.of(0xff, 0x0a),
        ]),
      },
    ],
  ])('%s', async (_, base, one, moved, other) => {
    expect(await compare(base, one, moved, other)).toEqual([]);
  });

  test.each<[string, Files, Edit, Edit, Edit, readonly string[]]>([
    [
      'white space',
      { a: lines({}) },
      { a: lines({ 5: 'mine' }) },
      { a: lines({ 1: 'x' }) },
      { a: lines({ 1: 'x', 5: ' mine' }) },
      ['a'],
    ],
    [
      'line ends',
      { a: lines({}) },
      { a: lines({ 5: 'mine' }) },
      { a: lines({ 1: 'x' }) },
      { a: lines({ 1: 'x', 5: 'mine\r' }) },
      ['a'],
    ],
    [
      'a byte that is no text',
      { a: lines({}) },
      { a: Buffer.concat([Buffer.from(lines({})), Buffer.of(0xfe)]) },
      { a: lines({ 1: 'x' }) },
      { a: Buffer.concat([Buffer.from(lines({ 1: 'x' })), Buffer.of(0xff)]) },
      ['a'],
    ],
    [
      'no line end at the end',
      { a: lines({}) },
      { a: `${lines({})}end` },
      { a: lines({ 1: 'x' }) },
      { a: `${lines({ 1: 'x' })}end\n` },
      ['a'],
    ],
    [
      'a deleted file that is there again',
      { a: 'x', b: 'x' },
      remove('a', 'b'),
      { keep: 'y' },
      remove('b'),
      ['a'],
    ],
    ['one more file', {}, { a: 'x' }, {}, { a: 'x', b: 'y' }, ['b']],
    ['another new file', {}, { a: 'x' }, {}, { a: 'y' }, ['a']],
    ['a mode', { a: 'x', b: 'x' }, mode('a', 0o755), {}, { b: 'y' }, ['a', 'b']],
    ['the mode of a new file', {}, { a: 'x' }, {}, mode('a', 0o755, 'x'), ['a']],
    [
      'a link',
      { a: 'x' },
      async (at) => {
        await rm(join(at, 'a'));
        await symlink('keep', join(at, 'a'));
      },
      {},
      async (at) => {
        await rm(join(at, 'a'));
        await symlink('other', join(at, 'a'));
      },
      ['a'],
    ],
    ['a binary file', { a: NUL }, { a: Buffer.from([0, 9]) }, {}, { a: Buffer.from([0, 8]) }, ['a']],
    [
      'a binary file that the target changed',
      { a: Buffer.from('x\ny\n\0') },
      { a: Buffer.from('x\nz\n\0') },
      { a: Buffer.from('w\ny\n\0') },
      { a: Buffer.from('w\nz\n\0') },
      ['a'],
    ],
    [
      'a renamed file',
      { a: 'x' },
      async (at) => void (await git(at, 'mv', 'a', 'b')),
      {},
      async (at) => void (await git(at, 'mv', 'a', 'c')),
      ['b', 'c'],
    ],
    [
      'the order of lines',
      { a: lines({}) },
      { a: lines({ 3: 'p', 7: 'q' }) },
      { a: lines({ 1: 'x' }) },
      { a: lines({ 1: 'x', 3: 'q', 7: 'p' }) },
      ['a'],
    ],
  ])('differs by %s', async (_, base, one, moved, other, expected) => {
    expect(await compare(base, one, moved, other)).toEqual(expected);
  });

  test('is decided by no attribute, setting or driver', async () => {
    const marker = { path: '' };
    const hostile: Edit = async (at) => {
      await mkdir(join(at, '.git/info'), { recursive: true });
      marker.path = join(at, '../ran');
      const attributes = '* -diff\n* diff=evil\n';
      await writeFile(join(at, '.git/info/attributes'), attributes);
      for (const [key, value] of [
        ['diff.evil.command', `touch ${marker.path}`],
        ['diff.evil.textconv', `touch ${marker.path}; echo same`],
        ['diff.external', `touch ${marker.path}`],
        ['core.whitespace', 'cr-at-eol'],
      ] as const)
        await git(at, 'config', key, value);
      await writeFiles(at, { '.gitattributes': attributes, a: lines({ 1: 'x' }) });
    };
    const found = await compare({ a: lines({}) }, { a: lines({ 5: 'mine' }) }, hostile, {
      a: lines({ 1: 'x', 5: 'yours' }),
    });
    expect(found).toContain('a');
    await expect(rm(marker.path)).rejects.toThrow('ENOENT');
  });

  test('of a file that is too large to read holds where its objects are equal, and nowhere else', async () => {
    const large = (first: string, last: string) => `${first}\n${'x'.repeat(1024 * 1024)}\n${last}\n`;
    const base = { a: large('', ''), b: large('', '') };
    const one = { a: large('', 'mine'), b: large('', 'mine') };
    expect(
      await compare(base, one, { a: large('theirs', '') }, { ...one, a: large('theirs', 'mine') }),
    ).toEqual(['a']);
  });
});
