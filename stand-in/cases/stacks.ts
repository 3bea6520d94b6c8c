import { describe, expect, test } from 'vitest';
import { git } from '../../test/helpers/git-repository.ts';
import { AT, REPO, startWorld } from './case-world.ts';

describe("GitHub's own stack", () => {
  test('merges from the bottom, and rebases what is above', async () => {
    await using world = await startWorld();
    const { github, app, receiver } = world;
    const alice = github.as('alice');
    const names = ['one', 'two', 'three'];
    const numbers: number[] = [];
    for (const [index, head] of names.entries()) {
      const base = names[index - 1] ?? 'main';
      await alice.push(REPO, head, { from: base, files: { [head]: '1\n', 'a.md': `${head}\n` } });
      numbers.push(await alice.openPull(REPO, { head, base, title: head }));
    }
    const [one = 0, two = 0, three = 0] = numbers;
    const read = async (pull_number: number) => (await app.rest.pulls.get({ ...AT, pull_number })).data;
    expect(await read(two)).toMatchObject({ stack: null });
    await expect(alice.stack(REPO, [one, three])).rejects.toThrow(/422|Validation Failed/);
    await alice.stack(REPO, numbers);
    const place = { number: 1, size: 3, position: 1, base: { ref: 'main' } };
    expect((await receiver.next('pull_request.stacked')).body).toMatchObject({
      ...{ number: one, stack: place, pull_request: { stack: place } },
    });
    expect(await read(two)).toMatchObject({ base: { ref: 'one' }, stack: { ...place, position: 2 } });

    const change = app.rest.pulls.update({ ...AT, pull_number: two, base: 'main' });
    await expect(change).rejects.toThrow(
      /Cannot change the base branch because the pull request is part of a stack\./,
    );
    await expect(alice.merge(REPO, one)).rejects.toThrow(
      /must be merged using the asynchronous merge REST API/,
    );
    const before = (await github.state(REPO)).refs;
    const tip = await alice.mergeStack(REPO, one, 'squash');
    const bare = github.bare(REPO);
    expect(await git(bare, 'log', '-1', '--format=%H|%s', 'main')).toBe(`${tip}|Change one (#1)`);
    expect(await git(bare, 'log', '--format=%s', 'main..three')).toBe('Change three\nChange two');
    expect(await git(bare, 'rev-parse', 'two~1', 'three~1')).toBe(
      `${tip}\n${await git(bare, 'rev-parse', 'two')}`,
    );
    expect((await github.state(REPO)).pulls).toMatchObject([
      { state: 'closed', merged: true },
      { state: 'open', base: { ref: 'main' } },
      { state: 'open', base: { ref: 'two' } },
    ]);
    await github.settled();
    const about = receiver.received.filter(({ body }) => body['ref'] === 'refs/heads/two');
    expect(about.at(-1)?.body).toMatchObject({ forced: true, before: before['refs/heads/two'] });
    expect((await receiver.next('pull_request.edited')).body).toMatchObject({
      ...{ number: two, changes: { base: { ref: { from: 'one' } } } },
    });

    await alice.mergeStack(REPO, three, 'squash');
    expect(await git(bare, 'log', '-2', '--format=%s', 'main')).toBe('Change three (#3)\nChange two (#2)');
    expect((await github.state(REPO)).pulls.map(({ merged, base }) => [merged, base.ref])).toEqual([
      [true, 'main'],
      [true, 'main'],
      [true, 'main'],
    ]);
  });
});
