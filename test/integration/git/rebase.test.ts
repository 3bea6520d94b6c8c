import { describe, expect, test } from 'vitest';
import { isSameRebase, rebaseCommits } from '../../../src/git/rebase.ts';
import { commitFiles, git, type GitWorld, gitWorld } from '../../helpers/git-repository.ts';

const LINES = Array.from({ length: 20 }, (_, line) => `line ${line}\n`);
const withLines = (changes: Readonly<Record<number, string>>): string =>
  LINES.map((line, at) => (changes[at] === undefined ? line : `${changes[at]}\n`)).join('');

/** Commits files on top of a commit, each with a message. */
async function grow(
  { user }: GitWorld,
  from: string,
  ...commits: readonly { readonly files?: Readonly<Record<string, string>>; readonly merge?: string }[]
): Promise<string> {
  await git(user, 'checkout', '--quiet', '--detach', from);
  for (const { files = {}, merge } of commits) {
    if (merge !== undefined) await git(user, 'merge', '--quiet', '--no-ff', '--message=theirs', merge);
    if (Object.keys(files).length > 0) await commitFiles(user, files);
  }
  return git(user, 'rev-parse', 'HEAD');
}

const subject = 'Work as one';

async function rebased(world: GitWorld, of: { head: string; since: string; onto: string }) {
  const made = await rebaseCommits(world.repository, { ...of, subject });
  if (made.kind === 'conflict') throw new Error(`conflict in ${made.files.join()}`);
  const log = async (format: string): Promise<string> =>
    git(world.user, 'log', `--format=${format}`, `${of.onto}..${made.commit}`);
  return { ...made, log };
}

describe('making commits again on another commit', () => {
  test('comes to what git rebase comes to, with the authors, messages and times of the commits', async () => {
    await using world = await gitWorld({ a: LINES.join(''), gone: 'x' });
    const { user, repository } = world;
    const first = await grow(world, world.head, { files: { a: withLines({ 2: 'below' }) } });
    const person = ['-c', 'user.name=Zoë', '-c', 'user.email=zoe@example.com'];
    await git(user, 'rm', '--quiet', 'gone');
    await git(user, ...person, 'commit', '--quiet', '-m', 'Drop\n\nIt is gone: ü.\n\nTask: 1');
    const head = await grow(world, 'HEAD', { files: { a: withLines({ 2: 'below', 9: 'own' }), own: 'x' } });
    const onto = await grow(world, world.head, {
      files: { a: withLines({ 2: 'below', 15: 'target' }), other: 'y' },
    });

    const made = await rebased(world, { head, since: first, onto });
    expect(made.joined).toBe(0);
    await git(user, 'checkout', '--quiet', '--detach', head);
    await git(user, 'rebase', '--quiet', '--onto', onto, first);
    const format = '%an %ae %aI%n%T%n%B';
    expect(await made.log(format)).toBe(await git(user, 'log', `--format=${format}`, `${onto}..HEAD`));
    expect(await made.log('%cn %p')).toMatch(/^choo [0-9a-f]+\nchoo [0-9a-f]+$/);
    expect(await made.log('%ct')).toBe(await git(user, 'log', '--format=%ct', `${first}..${head}`));
    expect(await git(user, 'fsck', '--strict', '--no-dangling')).toBe('');
    const again = await rebaseCommits(repository, { head, since: first, onto, subject });
    expect(again).toEqual({ kind: 'rebased', commit: made.commit, joined: 0 });
    const standing = await rebaseCommits(repository, { head: made.commit, since: first, onto, subject });
    expect(standing).toEqual({ kind: 'rebased', commit: made.commit, joined: 0 });
  });

  test('leaves out what the new place has, and keeps what was empty', async () => {
    await using world = await gitWorld({ a: 'A' });
    const head = await grow(world, world.head, { files: { b: 'B' } }, { files: { c: 'C' } });
    await git(world.user, 'commit', '--quiet', '--allow-empty', '-m', 'nothing');
    const empty = await git(world.user, 'rev-parse', 'HEAD');
    const onto = await grow(world, world.head, { files: { b: 'B', x: 'X' } });
    const made = await rebased(world, { head: empty, since: world.head, onto });
    const subjects = await git(world.user, 'log', '--format=%s', `${world.head}..${head}`);
    expect(await made.log('%s')).toBe(`nothing\n${subjects.split('\n')[0]}`);
  });

  test('makes the commits up to a merge one, and says how many', async () => {
    await using world = await gitWorld({ a: 'A' });
    const main = await grow(world, world.head, { files: { main: '1' } });
    const one = await grow(world, world.head, { files: { one: '1' } });
    const head = await grow(world, one, { merge: main }, { files: { two: '2' } });
    const onto = await grow(world, main, { files: { other: '2' } });
    const made = await rebased(world, { head, since: world.head, onto });
    expect(made.joined).toBe(2);
    expect(await made.log('%s %P')).toMatch(/^[^\n]+\nWork as one [0-9a-f]{40}$/);
    expect(await made.log('%b')).toContain(': theirs');
    expect(await git(world.user, 'diff', '--name-only', onto, made.commit)).toBe('one\ntwo');
    const other = await rebaseCommits(world.repository, {
      ...{ head, since: world.head, onto },
      subject: 'At another time',
    });
    const commit = other.kind === 'rebased' ? other.commit : '';
    expect(commit).not.toBe(made.commit);
    expect(await isSameRebase(world.repository, { one: made.commit, other: commit, onto })).toBe(true);
    const more = await grow(world, made.commit, { files: { more: 'x' } });
    expect(await isSameRebase(world.repository, { one: made.commit, other: more, onto })).toBe(false);
    // A merge commit on the new place itself goes, too.
    const merged = await grow(world, onto, { files: { x: 'x' } }, { merge: one });
    expect((await rebased(world, { head: merged, since: onto, onto })).joined).toBe(3);
  });

  test('makes one commit of what conflicts on the way only, and none where the whole conflicts', async () => {
    await using world = await gitWorld({ a: LINES.join('') });
    const back = await grow(
      world,
      world.head,
      { files: { a: withLines({ 5: 'tried' }) } },
      { files: { a: LINES.join(''), own: 'x' } },
    );
    const onto = await grow(world, world.head, { files: { a: withLines({ 5: 'target' }) } });
    const made = await rebased(world, { head: back, since: world.head, onto });
    expect(made.joined).toBe(2);
    expect(await git(world.user, 'diff', '--name-only', onto, made.commit)).toBe('own');
    const clash = await grow(world, world.head, { files: { a: withLines({ 5: 'own' }) } });
    expect(
      await rebaseCommits(world.repository, { head: clash, since: world.head, onto, subject }),
    ).toMatchObject({
      kind: 'conflict',
      files: ['a'],
    });
  });

  test('takes no signature along, and a branch moved back behind its base as it is', async () => {
    await using world = await gitWorld({ a: 'A' });
    const { user } = world;
    const own = await grow(world, world.head, { files: { own: 'x' } });
    const [header = '', message = ''] = (await git(user, 'cat-file', 'commit', own)).split('\n\n');
    const signed = `${header}\ngpgsig -----BEGIN\n \n author nobody <> 0 +0000\n -----END\n\n${message}\n`;
    const { writer } = world.repository;
    const head = await writer.commit(signed);
    const onto = await grow(world, world.head, { files: { main: '1' } });
    const made = await rebased(world, { head, since: world.head, onto });
    const text = await git(user, 'cat-file', 'commit', made.commit);
    expect(text).not.toMatch(/gpgsig|BEGIN|nobody/);
    expect(await made.log('%s')).toBe(message.trim());
    expect((await rebased(world, { head: world.head, since: own, onto })).joined).toBe(0);
  });
});
