import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mergeCommits } from '../../../src/git/merge.ts';
import { commitFiles, git, type GitWorld, gitWorld } from '../../helpers/git-repository.ts';

/** Commits files on a branch that starts at a commit. */
async function branch(
  { user }: GitWorld,
  from: string,
  files: Readonly<Record<string, string>>,
  gone: readonly string[] = [],
): Promise<string> {
  await git(user, 'checkout', '--quiet', '--detach', from);
  for (const path of gone) await rm(join(user, path), { recursive: true });
  return commitFiles(user, files);
}

const LINES = Array.from({ length: 20 }, (_, line) => `line ${line}\n`);

function withLine(line: number, text: string): string {
  return LINES.with(line, `${text}\n`).join('');
}

describe('merging commits', () => {
  test('makes none where one holds the other', async () => {
    await using world = await gitWorld({ a: 'A' });
    const later = await branch(world, world.head, { b: 'B' });
    const cases = [
      [world.head, later],
      [later, world.head],
      [later, later],
    ] as const;
    for (const [into, from] of cases)
      expect(await mergeCommits(world.repository, { into, from, subject: 'x' })).toEqual({
        kind: 'merged',
        commit: later,
      });
  });

  test('makes the tree that git merge makes, with both as parents', async () => {
    await using world = await gitWorld({ a: LINES.join(''), moved: LINES.join(), old: 'x' });
    const ours = await branch(world, world.head, { a: withLine(2, 'ours'), 'ours ü\n': 'x' });
    const theirs = await branch(world, world.head, { a: withLine(15, 'theirs'), to: LINES.join() }, [
      'old',
      'moved',
    ]);
    const merge = await mergeCommits(world.repository, { into: ours, from: theirs, subject: 'Merge\nthem' });
    const commit = merge.kind === 'merged' ? merge.commit : '';
    await git(world.user, 'checkout', '--quiet', '--detach', ours);
    await git(world.user, 'merge', '--quiet', '--no-edit', theirs);
    expect(await git(world.user, 'rev-parse', `${commit}^{tree}`)).toBe(
      await git(world.user, 'rev-parse', 'HEAD^{tree}'),
    );
    expect(await git(world.user, 'log', '-1', '--format=%P|%an|%B', commit)).toBe(
      `${ours} ${theirs}|choo|Merge them\n`,
    );
    expect(await git(world.user, 'fsck', '--strict', '--no-dangling')).toBe('');
    expect(await git(world.user, 'status', '--porcelain')).toBe('');
  });

  test('names the files in conflict, whatever they are called', async () => {
    await using world = await gitWorld({ 'a b\n"ü"': 'A', '-x': 'A', kept: 'A', gone: 'A', same: 'A' });
    const ours = await branch(world, world.head, {
      'a b\n"ü"': 'ours',
      '-x': 'ours',
      gone: 'ours',
      same: 'B',
    });
    const theirs = await branch(world, world.head, { 'a b\n"ü"': 'theirs', '-x': 'theirs', same: 'B' }, [
      'gone',
    ]);
    const merge = await mergeCommits(world.repository, { into: ours, from: theirs, subject: 'x' });
    expect(merge).toMatchObject({ kind: 'conflict', files: ['-x', 'a b\n"ü"', 'gone'] });
  });

  test('names a file that became a directory on the other side', async () => {
    await using world = await gitWorld({ a: 'A' });
    const ours = await branch(world, world.head, { 'a/b': 'B' }, ['a']);
    const theirs = await branch(world, world.head, { a: 'changed' });
    const merge = await mergeCommits(world.repository, { into: ours, from: theirs, subject: 'x' });
    expect(merge).toMatchObject({ kind: 'conflict', files: [expect.stringMatching(/^a~/)] });
  });

  test('goes by all common ancestors of a criss-cross', async () => {
    await using world = await gitWorld({ a: LINES.join('') });
    const [left, right] = [
      await branch(world, world.head, { a: withLine(2, 'left') }),
      await branch(world, world.head, { a: withLine(15, 'right') }),
    ];
    const merged = async (into: string, from: string): Promise<string> => {
      const merge = await mergeCommits(world.repository, { into, from, subject: `${into} ${from}` });
      return merge.kind === 'merged' ? merge.commit : '';
    };
    const [one, other] = [await merged(left, right), await merged(right, left)];
    const first = await branch(world, one, { one: 'x' });
    const second = await branch(world, other, { other: 'x' });
    const end = await merged(first, second);
    expect(await git(world.user, 'merge-base', '--all', first, second)).toContain('\n');
    expect(await git(world.user, 'ls-tree', '--name-only', end)).toBe('a\none\nother');
  });

  test('refuses commits without a common history, with a way out', async () => {
    await using world = await gitWorld({ a: 'A' });
    const other = await git(world.user, 'commit-tree', '-m', 'other', 'HEAD^{tree}');
    await expect(
      mergeCommits(world.repository, { into: world.head, from: other, subject: 'x' }),
    ).rejects.toMatchObject({ code: 'conflict', hint: expect.stringContaining('--unshallow') });
  });

  test('fails over a commit that is not there, and takes it for no conflict', async () => {
    await using world = await gitWorld({ a: 'A' });
    await expect(
      mergeCommits(world.repository, { into: world.head, from: '1'.repeat(40), subject: 'x' }),
    ).rejects.toMatchObject({ code: 'git' });
  });
});
