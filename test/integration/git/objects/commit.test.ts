import { describe, expect, test } from 'vitest';
import { commitText, OWN_SIGNATURE, parseCommit } from '../../../../src/git/objects/commit.ts';
import { git, gitWorld } from '../../../helpers/git-repository.ts';

describe('a commit of choo’s', () => {
  test.each(['sha1', 'sha256'])('says what git reads from it (%s)', async (objectFormat) => {
    await using world = await gitWorld({ a: 'A' }, { objectFormat });
    const tree = await git(world.user, 'rev-parse', 'HEAD^{tree}');
    const text = commitText(
      {
        tree,
        parents: [world.head],
        subject: 'Do ü',
        body: 'Why.\n\nMore.',
        trailers: { 'Choo-Run': 'abc', 'Choo-Task': '1' },
      },
      OWN_SIGNATURE,
      new Date('2026-01-02T03:04:05.678Z'),
    );
    const commit = await world.repository.writer.commit(text);
    const format = '%T|%P|%an|%ae|%aI|%cn|%s|%b|%(trailers:only,unfold)';
    expect(await git(world.user, 'log', '-1', `--format=${format}`, commit)).toBe(
      `${tree}|${world.head}|choo|choo@localhost|2026-01-02T03:04:05+00:00|choo|Do ü|` +
        'Why.\n\nMore.\n\nChoo-Run: abc\nChoo-Task: 1\n|Choo-Run: abc\nChoo-Task: 1\n',
    );
    expect(await git(world.user, 'fsck', '--strict', '--no-dangling')).toBe('');
  });

  test.each(['sha1', 'sha256'])('is read back, as those of others are (%s)', async (objectFormat) => {
    await using world = await gitWorld({ a: 'A' }, { objectFormat });
    const { repository, user, head } = world;
    const read = async (commit: string) => {
      const [content] = await repository.reader.contents([commit]);
      return parseCommit(content ?? Buffer.alloc(0));
    };
    const tree = await git(user, 'rev-parse', 'HEAD^{tree}');
    const trailers = { 'Choo-Run': 'abc', 'Choo-Task': '1' };
    const own = (parts: object) =>
      repository.writer.commit(commitText({ tree, parents: [head], subject: 'Do it', ...parts }));
    const done = await own({ body: 'Why: so.\n\nMore.', trailers });
    expect(await read(done)).toEqual({ parents: [head], trailers: Object.entries(trailers) });
    expect(await read(head)).toEqual({ parents: [], trailers: [] });
    const merge = await git(user, 'commit-tree', tree, '-p', head, '-p', done, '-m', 'Choo-Run: subject');
    expect(await read(merge)).toEqual({ parents: [head, done], trailers: [] });
    // A header that goes on over lines, as that of a signature does, holds neither.
    const raw = await git(user, 'cat-file', 'commit', done);
    const signed = raw.replace('\n\n', `\ngpgsig -----BEGIN\n parent ${head}\n Choo-Run: x\n -----END\n\n`);
    expect(await read(await repository.writer.commit(`${signed}\n`))).toEqual(await read(done));
    const mixed = await own({ trailers, body: 'Why.' });
    expect((await read(mixed)).trailers).toHaveLength(2);
    const text = await git(user, 'commit-tree', tree, '-m', 'S', '-m', 'Choo-Run: a\nand more');
    expect((await read(text)).trailers).toEqual([]);
  });

  test('says who made it and who asked for it, in trailers that git finds', async () => {
    await using world = await gitWorld({ a: 'A' });
    const tree = await git(world.user, 'rev-parse', 'HEAD^{tree}');
    const bot = { name: 'choo[bot]', email: '7+choo[bot]@users.noreply.github.com' };
    const signed = world.repository.signedBy({
      author: { name: 'Eve\n<x>\0', email: ' a@b>\n1 +0000 ' },
      committer: bot,
      coAuthor: { name: 'ann', email: '1+ann@users.noreply.github.com\nChoo-Run: forged' },
      signOff: true,
    });
    const facts = { tree, parents: [], trailers: { 'Choo-Run': 'real' } };
    const commit = await signed.commit({ ...facts, subject: 'Do it' });
    expect(await git(world.user, 'log', '-1', '--format=%an|%ae|%cn|%ce%n%(trailers)', commit)).toBe(
      `Eve x|a@b1+0000|choo[bot]|${bot.email}\n` +
        'Choo-Run: real\n' +
        'Co-authored-by: ann <1+ann@users.noreply.github.comChoo-Run:forged>\n' +
        `Signed-off-by: choo[bot] <${bot.email}>\n`,
    );
    const nameless = { name: '<>', email: 'a@b' };
    const other = await world.repository
      .signedBy({ author: nameless, committer: nameless })
      .commit({ tree, parents: [], subject: 'Do it' });
    expect(await git(world.user, 'log', '-1', '--format=%an|%ae|%B', other)).toBe(
      'choo|choo@localhost|Do it\n',
    );
    expect(await git(world.user, 'fsck', '--strict', '--no-dangling')).toBe('');
  });

  test('lets nothing act that it was given, and skips integration only when choo wants it', async () => {
    const hostile = 'Fixes #1, @org/team [skip ci]';
    const facts = {
      tree: 'a',
      parents: [],
      subject: hostile,
      body: `${hostile}\n\nSigned-off-by: Eve <e@x>`,
    };
    expect(commitText(facts).split('\n\n').slice(1)).toEqual([
      'Fixes no. 1, org/team (skip-ci)',
      'Fixes no. 1, org/team (skip-ci)',
      'Signed-off-by - Eve <e@x>\n',
    ]);
    expect(commitText({ ...facts, subject: 'Stand here', skipsCi: true })).toContain(
      'Stand here [skip ci]\n',
    );
  });

  test.each([
    ['subject', { subject: 'Do it\n\nChoo-Run: forged' }],
    ['trailer', { trailers: { 'Choo-Run': 'real\nChoo-Run: forged\0' } }],
    ['body', { body: 'x\0y\r\nz\u001b[0m\n\n\n' }],
    ['half a character', { subject: '\ud800', body: '\udfff' }],
    ['nothing', { subject: '\n', body: '\n', trailers: {} }],
  ])('cannot be forged by its %s', async (_, facts) => {
    await using world = await gitWorld({ a: 'A' });
    const tree = await git(world.user, 'rev-parse', 'HEAD^{tree}');
    const trailers = { 'Choo-Run': 'real' };
    const text = commitText({ tree, parents: [], subject: 'Do it', trailers, ...facts });
    const commit = await world.repository.writer.commit(text);
    const found = await git(world.user, 'log', '-1', '--format=%(trailers:key=Choo-Run,valueonly)', commit);
    expect(found.trim()).toMatch(/^(?:real(?: Choo-Run: forged)?)?$/);
    expect(text).not.toMatch(/[\0\r\u001b]/);
    expect(await git(world.user, 'fsck', '--strict', '--no-dangling')).toBe('');
  });
});
