import { describe, expect, test } from 'vitest';
import { commitText } from '../../../src/git/commit.ts';
import { git, gitWorld } from '../../helpers/git-repository.ts';

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
