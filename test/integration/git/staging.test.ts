import { chmod, chown, link, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Worktree } from '../../../src/git/worktree.ts';
import { git, type GitWorld, gitWorld } from '../../helpers/git-repository.ts';

/** Text as a tool of Windows writes it. */
const UTF16 = Buffer.from('grün\r\n', 'utf16le');

interface Case {
  readonly base: Readonly<Record<string, string>>;
  /** What an agent leaves. */
  readonly left: Readonly<Record<string, string | Buffer>>;
  /** What the gate must see of it: what everybody will check out. */
  readonly seen: Readonly<Record<string, string | Buffer>>;
}

const CASES: Readonly<Record<string, Case>> = {
  'ends of lines that git takes away': {
    base: { '.gitattributes': '* text\n' },
    left: { new: 'done\r\n' },
    seen: { new: 'done\n' },
  },
  'ends of lines that git finds to be text': {
    base: { '.gitattributes': '* text=auto\n' },
    left: { new: 'done\r\n', binary: 'done\r\n\0' },
    seen: { new: 'done\n', binary: 'done\r\n\0' },
  },
  'ends of lines that a checkout adds': {
    base: { '.gitattributes': '*.bat eol=crlf\n' },
    left: { 'new.bat': 'done\n' },
    seen: { 'new.bat': 'done\r\n' },
  },
  'the old word for them': {
    base: { '.gitattributes': '* crlf\n' },
    left: { new: 'done\r\n' },
    seen: { new: 'done\n' },
  },
  'a word of the repository for them': {
    base: { '.gitattributes': '[attr]plain text\n*.x plain\n' },
    left: { 'new.x': 'done\r\n' },
    seen: { 'new.x': 'done\n' },
  },
  'a file whose change is one that git does not see': {
    base: { '.gitattributes': '* text\n', kept: 'done\n' },
    left: { kept: 'done\r\n' },
    seen: { kept: 'done\n' },
  },
  'an identification': {
    base: { '.gitattributes': '*.c ident\n' },
    left: { 'new.c': '$Id: forged $\n' },
    // The id of `$Id$` and a line end.
    seen: { 'new.c': '$Id: 055c8729cdcc372500a08db659c045e16c4409fb $\n' },
  },
  'an encoding': {
    base: { '.gitattributes': '*.rc working-tree-encoding=UTF-16LE\n' },
    left: { 'new.rc': UTF16 },
    seen: { 'new.rc': UTF16 },
  },
  'an encoding with a mark of its order': {
    base: { '.gitattributes': '*.rc text eol=lf working-tree-encoding=UTF-16LE\n' },
    left: { 'new.rc': UTF16 },
    seen: { 'new.rc': Buffer.from('grün\n', 'utf16le') },
  },
  'attributes of a directory': {
    base: { 'deep/in/.gitattributes': '*.txt text\n' },
    left: { 'deep/in/it/new.txt': 'done\r\n', 'new.txt': 'done\r\n' },
    seen: { 'deep/in/it/new.txt': 'done\n', 'new.txt': 'done\r\n' },
  },
  'attributes that an ignore file hides': {
    base: { '.gitignore': 'dist/.*\n', 'dist/kept': 'one\n' },
    left: { 'dist/.gitattributes': '* text\n', 'dist/kept': 'done\r\n' },
    seen: { 'dist/kept': 'done\r\n' },
  },
  'attributes that an ignore file hides at the root': {
    base: { '.gitignore': '*attributes\n', kept: 'one\n' },
    left: { '.gitattributes': '* text\n', kept: 'done\r\n' },
    seen: { kept: 'done\r\n' },
  },
  'attributes that change files that were there': {
    base: { 'kept.bat': 'one\n' },
    left: { '.gitattributes': '*.bat eol=crlf\n' },
    seen: { 'kept.bat': 'one\r\n' },
  },
  'a filter that no machine has': {
    base: { '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n' },
    left: { 'new.bin': 'a\r\n' },
    seen: { 'new.bin': 'a\r\n' },
  },
};

async function open({ base }: Pick<Case, 'base'>): Promise<{ place: GitWorld; worktree: Worktree }> {
  const place = await gitWorld(base);
  return { place, worktree: await place.worktrees.create('one', place.head) };
}

async function leave(worktree: Worktree, files: Case['left']): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(worktree.path, path)), { recursive: true });
    await writeFile(join(worktree.path, path), content);
  }
}

/** What everybody gets who checks a tree out. */
async function checkedOut(place: GitWorld, tree: string): Promise<ReadonlyMap<string, string>> {
  const directory = await mkdtemp(join(place.path, 'theirs-'));
  const commit = await git(place.repository.git.directory, 'commit-tree', '-m', 'theirs', tree);
  await git(place.repository.git.directory, 'worktree', 'add', '--quiet', '--detach', directory, commit);
  return filesOf(directory, tree, place);
}

async function filesOf(
  directory: string,
  tree: string,
  place: GitWorld,
): Promise<ReadonlyMap<string, string>> {
  const names = await git(place.repository.git.directory, 'ls-tree', '-r', '--name-only', tree);
  const files = new Map<string, string>();
  for (const name of names.split('\n')) files.set(name, await readFile(join(directory, name), 'latin1'));
  return files;
}

describe('staging', () => {
  test.each(Object.entries(CASES))('leaves what a checkout gives: %s', async (_, world) => {
    const { place, worktree } = await open(world);
    await using _place = place;
    await leave(worktree, world.left);
    const tree = await worktree.stage();
    expect(await filesOf(worktree.path, tree, place)).toEqual(await checkedOut(place, tree));
    for (const [path, content] of Object.entries(world.seen))
      expect((await readFile(join(worktree.path, path))).toString('latin1'), path).toBe(
        Buffer.from(content).toString('latin1'),
      );
    expect(await worktree.stage()).toBe(tree);
    expect(await worktree.discardChanges()).toEqual([]);
  });

  test('forgets the attributes that were put back', async () => {
    const { place, worktree } = await open({ base: { kept: 'one\n' } });
    await using _place = place;
    await leave(worktree, { '.gitattributes': '* text\n', kept: 'done\r\n', new: 'done\r\n' });
    const base = await git(place.user, 'rev-parse', 'HEAD^{tree}');
    await worktree.stage();
    await worktree.restore(base, ['.gitattributes']);
    await leave(worktree, { kept: 'done\r\n', new: 'done\r\n' });
    const tree = await worktree.restage(base);
    expect(await filesOf(worktree.path, tree, place)).toEqual(await checkedOut(place, tree));
    expect(await git(place.repository.git.directory, 'cat-file', '-s', `${tree}:kept`)).toBe('6');
  });

  test('keeps owner and mode of what it writes again, and a link stays one', async () => {
    const { place, worktree } = await open({ base: { '.gitattributes': '* text\n' } });
    await using _place = place;
    await leave(worktree, { 'run.sh': 'done\r\n' });
    const path = join(worktree.path, 'run.sh');
    await chmod(path, 0o755);
    if (process.getuid?.() === 0) await chown(path, 61_000, 61_000);
    const before = await stat(path);
    await link(path, join(place.path, 'outside'));
    await symlink('run.sh\r', join(worktree.path, 'way'));
    await worktree.stage();
    const after = await stat(path);
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
    expect(await readFile(path, 'utf8')).toBe('done\n');
    expect(await readFile(join(place.path, 'outside'), 'utf8')).toBe('done\r\n');
    await rm(join(place.path, 'outside'));
  });
});
