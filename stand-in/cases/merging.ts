import { describe, expect, test } from 'vitest';
import { git } from '../../test/helpers/git-repository.ts';
import { clientOf, installationToken } from '../clients.ts';
import { AT, checkout, push, REPO, startWorld } from './case-world.ts';

/** One line for each commit of `main` since a commit, oldest first: subject, author, committer, number of parents. */
async function commitsSince(bare: string, since: string): Promise<string[]> {
  const printed = await git(
    bare,
    'log',
    '--reverse',
    '--first-parent',
    '--format=%s|%an|%cn|%p',
    `${since}..main`,
  );
  return printed.split('\n').map((line) => {
    const [subject, author, committer, parents = ''] = line.split('|');
    return `${subject}|${author}|${committer}|${parents.split(' ').length}`;
  });
}

describe('the merge button', () => {
  test('makes a merge commit, a squash commit or new commits', async () => {
    await using world = await startWorld();
    const { github, clone, receiver } = world;
    const alice = github.as('alice');
    const start = await git(clone, 'rev-parse', 'HEAD');
    const open = async (head: string, title: string): Promise<number> =>
      alice.openPull(REPO, { head, base: 'main', title });

    await push(clone, 'one', { one: '1\n' });
    const one = await open('one', 'First');
    await alice.merge(REPO, one);
    await checkout(clone, 'two');
    await push(clone, 'two', { two: '1\n' });
    const two = await open('two', 'Second');
    await alice.merge(REPO, two, 'squash');
    await checkout(clone, 'three');
    await push(clone, 'three', { three: '1\n' });
    await git(
      clone,
      'commit',
      '-q',
      '--allow-empty',
      '-m',
      'more\n\nwith a body',
      '--author',
      'Carol <carol@localhost>',
    );
    await git(clone, 'push', '-q', 'origin', 'three');
    const three = await open('three', 'Third');
    await alice.merge(REPO, three, 'squash');
    await checkout(clone, 'four');
    const before = await push(clone, 'four', { four: '1\n' });
    const head = await push(clone, 'four', { four: '2\n' });
    const four = await open('four', 'Fourth');
    const last = await alice.merge(REPO, four, 'rebase');

    const bare = github.bare(REPO);
    expect(await commitsSince(bare, start)).toEqual([
      'Merge pull request #1 from acme/one|alice|GitHub|2',
      'change two (#2)|alice|GitHub|1',
      'Third (#3)|alice|GitHub|1',
      // New commits, although the head was already on top of the base; the author stays.
      'change four|tester|alice|1',
      'change four|tester|alice|1',
    ]);
    expect(await git(bare, 'log', '-1', '--format=%B', 'main~2')).toBe(
      `Third (#3)\n\n* change three\n\n* more\n\nwith a body\n\n---------\n\nCo-authored-by: tester <tester@localhost>\nCo-authored-by: Carol <carol@localhost>`,
    );
    const known = await git(bare, 'rev-list', 'main');
    expect(known).not.toContain(before);
    expect(known).not.toContain(head);
    expect(await git(bare, 'rev-parse', 'main', 'main^{tree}')).toBe(
      `${last}\n${await git(bare, 'rev-parse', `${head}^{tree}`)}`,
    );
    await github.settled();
    const closed = receiver.received.filter(({ action }) => action === 'closed').map(({ body }) => body);
    expect(closed.map((body) => body['number'])).toEqual([one, two, three, four]);
    expect(closed[3]).toMatchObject({
      pull_request: { merged: true, merge_commit_sha: last, base: { ref: 'main' } },
    });
  });

  test('offers what the repository allows, which only its writers see', async () => {
    await using world = await startWorld();
    const { github, app, clone } = world;
    await push(clone, 'side', { side: '1\n' });
    const { data } = await app.rest.pulls.create({ ...AT, head: 'side', base: 'main', title: 'Side' });
    const merge = async (merge_method: 'merge' | 'squash' | 'rebase') =>
      app.rest.pulls.merge({ ...AT, pull_number: data.number, merge_method });
    github.setMerging(REPO, {
      allow_merge_commit: false,
      allow_squash_merge: false,
      allow_rebase_merge: false,
    });
    await expect(merge('merge')).rejects.toThrow(/Merge commits are not allowed on this repository\./);
    await expect(merge('squash')).rejects.toThrow(/Squash merges are not allowed on this repository\./);
    await expect(merge('rebase')).rejects.toMatchObject({
      status: 405,
      message: expect.stringContaining('Rebase merges are not allowed on this repository.'),
    });
    expect((await app.rest.repos.get(AT)).data).toMatchObject({
      allow_merge_commit: false,
      delete_branch_on_merge: false,
      squash_merge_commit_message: 'COMMIT_MESSAGES',
    });
    const reader = clientOf(
      github,
      await installationToken(github, 1001, { permissions: { contents: 'read' } }),
    );
    expect((await reader.rest.repos.get(AT)).data).not.toHaveProperty('allow_merge_commit');
    github.setMerging(REPO, { allow_squash_merge: true, squash_merge_commit_message: 'BLANK' });
    const { sha } = (await merge('squash')).data;
    expect(await git(github.bare(REPO), 'log', '-1', '--format=%B', sha)).toBe('change side (#1)');
  });
});

describe('mergeability', () => {
  test("is git's own, over the real histories", async () => {
    await using world = await startWorld();
    const { github, app, clone } = world;
    const alice = github.as('alice');
    await push(clone, 'lower', { 'a.md': 'lower\n', gone: 'x\n' });
    await git(clone, 'checkout', '-q', '-b', 'upper');
    await git(clone, 'rm', '-q', 'gone');
    const top = await push(clone, 'upper', { 'a.md': 'upper\n' });
    const lower = await alice.openPull(REPO, { head: 'lower', base: 'main', title: 'Lower' });
    const upper = await alice.openPull(REPO, { head: 'upper', base: 'lower', title: 'Upper' });
    const standing = async (pull_number: number) => {
      const { mergeable, rebaseable, mergeable_state, merge_commit_sha } = (
        await app.rest.pulls.get({ ...AT, pull_number })
      ).data;
      return { mergeable, rebaseable, state: mergeable_state, sha: merge_commit_sha };
    };
    const before = await standing(upper);
    expect(before).toMatchObject({ mergeable: true, rebaseable: true, state: 'clean' });
    // Of an open pull request it is the merge that was tried, and on no branch.
    expect(await git(github.bare(REPO), 'rev-parse', `${before.sha}^2`)).toBe(top);
    expect(await git(github.bare(REPO), 'branch', '--contains', before.sha ?? '')).toBe('');

    await alice.merge(REPO, lower, 'squash');
    await alice.edit(REPO, upper, { base: 'main' });
    expect(await standing(upper)).toMatchObject({ mergeable: false, rebaseable: false, state: 'dirty' });
    await expect(alice.merge(REPO, upper, 'squash')).rejects.toThrow(/Pull Request is not mergeable/);

    // A plain merge of the squashed work restores, without a word, what the branch deleted.
    await push(clone, 'upper', { 'a.md': 'lower\n' });
    expect(await standing(upper)).toMatchObject({ mergeable: true, state: 'clean' });
    await alice.merge(REPO, upper, 'squash');
    expect(await git(github.bare(REPO), 'ls-tree', '--name-only', 'main', 'gone')).toBe('gone');
  });

  test('by rebase needs commits without a merge among them, and none that the base has', async () => {
    await using world = await startWorld();
    const { github, app, clone } = world;
    const alice = github.as('alice');
    const rebaseable = async (pull_number: number) =>
      (await app.rest.pulls.get({ ...AT, pull_number })).data.rebaseable;
    await push(clone, 'lower', { lower: '1\n' });
    await git(clone, 'checkout', '-q', '-b', 'upper');
    await push(clone, 'upper', { upper: '1\n' });
    const lower = await alice.openPull(REPO, { head: 'lower', base: 'main', title: 'Lower' });
    const upper = await alice.openPull(REPO, { head: 'upper', base: 'main', title: 'Upper' });
    await checkout(clone, 'main');
    await push(clone, 'main', { other: '1\n' });
    expect(await rebaseable(upper)).toBe(true);
    await alice.merge(REPO, lower, 'rebase');
    expect(await rebaseable(upper)).toBe(false);
    await expect(alice.merge(REPO, upper, 'rebase')).rejects.toThrow(/This branch can't be rebased/);

    await checkout(clone, 'merged');
    await git(clone, 'checkout', '-q', '-B', 'merged', 'origin/main~1');
    await push(clone, 'merged', { merged: '1\n' });
    const merged = await alice.openPull(REPO, { head: 'merged', base: 'main', title: 'Merged' });
    expect(await rebaseable(merged)).toBe(true);
    await git(clone, 'merge', '-q', '--no-edit', 'origin/main');
    await git(clone, 'push', '-q', 'origin', 'merged');
    expect(await rebaseable(merged)).toBe(false);
    await expect(alice.merge(REPO, merged, 'rebase')).rejects.toThrow(/405|can't be rebased/);
    await alice.merge(REPO, merged, 'squash');
  });
});
