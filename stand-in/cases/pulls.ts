import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { git } from '../../test/helpers/git-repository.ts';
import { clientOf, installationToken } from '../clients.ts';
import { AT, REPO, startWorld, push, type Fields } from './case-world.ts';

test('a commit names the pull requests that have it, and the merged one that brought it', async () => {
  await using world = await startWorld();
  const { github, app } = world;
  const alice = github.as('alice');
  const pullsOf = async (sha: string) =>
    (await app.rest.repos.listPullRequestsAssociatedWithCommit({ ...AT, commit_sha: sha })).data.map(
      ({ number, merged_at, merge_commit_sha: merge }) => ({ number, merge: merged_at && merge }),
    );
  const direct = await alice.push(REPO, 'main', { files: { direct: 'x' } });
  const head = await alice.push(REPO, 'side', { from: 'main', files: { e: 'e' } });
  const number = await alice.openPull(REPO, { head: 'side', base: 'main', title: 'Side' });
  expect(await pullsOf(head)).toEqual([{ number, merge: null }]);
  const merge = await alice.merge(REPO, number, 'squash');
  expect(await pullsOf(merge)).toEqual([{ number, merge }]);
  expect(await pullsOf(direct)).toEqual([]);
});

describe('pull requests', () => {
  test('follow their branches, and refuse what GitHub refuses', async () => {
    await using world = await startWorld();
    const { github, app, clone, receiver } = world;
    const open = { ...AT, head: 'side', base: 'main', title: 'Side' };
    await expect(app.rest.pulls.create(open)).rejects.toMatchObject({ status: 422 });
    const first = await push(clone, 'side', { 'a.md': 'two\n', c: 'c\n' });
    await expect(app.rest.pulls.create({ ...open, base: 'gone' })).rejects.toMatchObject({ status: 422 });
    const empty = app.rest.pulls.create({ ...open, head: 'main' });
    await expect(empty).rejects.toThrow(/No commits between main and main/);
    const { data } = await app.rest.pulls.create({ ...open, body: 'Text', draft: true });
    expect(data).toMatchObject({
      ...{ draft: true, mergeable: true, changed_files: 2, additions: 2, deletions: 1, commits: 1 },
      ...{ head: { sha: first, label: 'acme:side' }, user: { type: 'Bot' } },
    });
    await receiver.next('pull_request.opened');
    await expect(app.rest.pulls.create(open)).rejects.toThrow(
      /A pull request already exists for acme:side\./,
    );
    const second = await push(clone, 'side', { c: 'd\n' });
    expect((await receiver.next('pull_request.synchronize')).body).toMatchObject({
      ...{ number: data.number, before: first, after: second, pull_request: { head: { sha: second } } },
    });
    const number = { ...AT, pull_number: data.number };
    expect((await app.rest.pulls.update({ ...number, title: 'New', draft: false })).data).toMatchObject({
      title: 'New',
      draft: true,
    });
    expect((await receiver.next('pull_request.edited')).body['changes']).toEqual({ title: { from: 'Side' } });
    expect(
      (await app.rest.pulls.listFiles(number)).data.map(({ filename, status }) => [filename, status]),
    ).toEqual([
      ['a.md', 'modified'],
      ['c', 'added'],
    ]);
    const heads = await Promise.all(
      ['acme:side', 'acme:other'].map(
        async (head) => (await app.rest.pulls.list({ ...AT, head, base: 'main' })).data.length,
      ),
    );
    expect(heads).toEqual([1, 0]);
    await github.as('alice').close(REPO, data.number);
    await receiver.next('pull_request.closed');
    await github.as('alice').reopen(REPO, data.number);
    await receiver.next('pull_request.reopened');
    await github.as('alice').label(REPO, data.number, 'now');
    await receiver.next('pull_request.labeled');
    await github.as('alice').unlabel(REPO, data.number, 'now');
    await receiver.next('pull_request.unlabeled');
    await github.as('bob').comment(REPO, data.number, 'hi');
    expect((await receiver.next('issue_comment.created')).body['issue']).toHaveProperty('pull_request');
  });

  test('are drafts until GraphQL says otherwise, and merge for real', async () => {
    await using world = await startWorld();
    const { github, app, clone, receiver } = world;
    const head = await push(clone, 'side', { c: 'c\n' });
    const { data } = await app.rest.pulls.create({
      ...AT,
      head: 'side',
      base: 'main',
      title: 'Side',
      draft: true,
    });
    const number = { ...AT, pull_number: data.number };
    await expect(app.rest.pulls.merge(number)).rejects.toMatchObject({ status: 405 });
    const mutate = (name: string) =>
      app.graphql(`mutation($id: ID!) { ${name}(input: {pullRequestId: $id}) { pullRequest { isDraft } } }`, {
        id: data.node_id,
      });
    expect(await mutate('markPullRequestReadyForReview')).toMatchObject({
      markPullRequestReadyForReview: { pullRequest: { isDraft: false } },
    });
    await receiver.next('pull_request.ready_for_review');
    await mutate('convertPullRequestToDraft');
    await receiver.next('pull_request.converted_to_draft');
    await github.as('alice').ready(REPO, data.number);
    await expect(app.rest.pulls.merge({ ...number, sha: '0'.repeat(40) })).rejects.toMatchObject({
      status: 409,
    });
    const sha = await github.as('alice').merge(REPO, data.number);
    expect((await receiver.next('pull_request.closed')).body).toMatchObject({
      pull_request: { merged: true, merge_commit_sha: sha, merged_by: { login: 'alice' } },
    });
    expect(await git(github.bare(REPO), 'log', '-1', '--format=%P', 'main')).toContain(head);
    expect((await github.state(REPO)).pulls).toMatchObject([{ state: 'closed', merged: true, draft: false }]);
    const plain = clientOf(github, await installationToken(github, 1002));
    const draft = { owner: 'other', repo: 'plain', head: 'x', base: 'main', title: 'x', draft: true };
    const tip = (await github.state('other/plain')).refs['refs/heads/main'] ?? '';
    const place = join(clone, '..', 'plain');
    await git(clone, 'clone', '-q', github.remote('other/plain', 'alice'), place);
    expect(await push(place, 'x', { y: 'y' })).not.toBe(tip);
    await expect(plain.rest.pulls.create(draft)).rejects.toThrow(/Draft pull requests are not supported/);
    await expect(plain.rest.pulls.create({ ...draft, draft: false })).resolves.toMatchObject({ status: 201 });
  });

  test('conflict, stack, are merged by a push and come from forks', async () => {
    await using world = await startWorld();
    const { github, clone, receiver } = world;
    const alice = github.as('alice');
    const main = await git(clone, 'rev-parse', 'HEAD');
    await push(clone, 'lower', { lower: 'x' });
    await push(clone, 'upper', { upper: 'x' });
    const lower = await alice.openPull(REPO, { head: 'lower', base: 'main', title: 'Lower' });
    const upper = await alice.openPull(REPO, { head: 'upper', base: 'lower', title: 'Upper' });
    await alice.merge(REPO, lower, 'squash');
    await alice.deleteBranch(REPO, 'lower');
    await receiver.next('pull_request.closed');
    const { changes } = (await receiver.next('pull_request.edited')).body as Fields;
    expect(changes).toMatchObject({ base: { ref: { from: 'lower' } } });
    await git(clone, 'checkout', '-q', '-B', 'conflict', main);
    await push(clone, 'conflict', { lower: 'y' });
    const conflict = await alice.openPull(REPO, { head: 'conflict', base: 'main', title: 'Conflict' });
    await expect(alice.merge(REPO, conflict)).rejects.toThrow(/not mergeable/);
    await git(clone, 'fetch', '-q', 'origin');
    await git(clone, 'checkout', '-q', '-B', 'main', 'origin/main');
    await git(clone, 'merge', '-q', '--no-edit', 'origin/upper');
    await git(clone, 'push', '-q', 'origin', 'main');
    const closed = (await receiver.next('pull_request.closed')).body;
    expect(closed).toMatchObject({ number: upper, pull_request: { merged: true } });
    const fork = await github.fork(REPO, 'mallory');
    await git(clone, 'push', '-q', github.remote(fork, 'mallory'), 'conflict:refs/heads/theirs');
    const theirs = await github
      .as('mallory')
      .openPull(REPO, { head: 'theirs', base: 'main', title: 'T', fromFork: true });
    await vi.waitFor(() => expect(receiver.received.at(-1)?.body).toMatchObject({ number: theirs }));
    expect(receiver.received.at(-1)?.body).toMatchObject({
      pull_request: { head: { repo: { full_name: fork, fork: true } }, base: { repo: { full_name: REPO } } },
    });
    await alice.deleteBranch(REPO, 'conflict');
    expect((await receiver.next('pull_request.closed')).body).toMatchObject({
      pull_request: { merged: false },
    });
  });
});
