import { describe, expect, test } from 'vitest';
import { AT, REPO, startWorld } from './case-world.ts';

/** A pull request of the app's, with ten lines in `c`. */
async function openPull() {
  const world = await startWorld();
  const content = Array.from({ length: 10 }, (_, at) => `${at + 1}\n`).join('');
  await world.github.as('alice').push(REPO, 'side', { from: 'main', files: { c: content } });
  const { data } = await world.app.rest.pulls.create({ ...AT, head: 'side', base: 'main', title: 'Side' });
  return { ...world, number: data.number, at: { ...AT, pull_number: data.number } };
}

const THREADS = `query ($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 2, after: $after) {
        nodes {
          id path line isResolved isOutdated
          comments(first: 10) { nodes { body author { login ... on User { databaseId } } } }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}`;

interface Threads {
  readonly repository: {
    readonly pullRequest: {
      readonly reviewThreads: {
        readonly nodes: readonly {
          readonly id: string;
          readonly line: number | null;
          readonly isResolved: boolean;
          readonly isOutdated: boolean;
          readonly comments: { readonly nodes: readonly { readonly body: string }[] };
        }[];
        readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
      };
    };
  };
}

const DENIED = { status: 422 };

describe('reviews', () => {
  test('are submitted as a whole, with events of each comment', async () => {
    await using world = await openPull();
    const { github, app, receiver, number, at } = world;
    await app.rest.pulls.requestReviewers({ ...at, reviewers: ['alice'] });
    expect((await receiver.next('pull_request.review_requested')).body).toMatchObject({
      requested_reviewer: { login: 'alice' },
      pull_request: { requested_reviewers: [{ login: 'alice' }] },
    });
    const comments = [2, 3].map((line) => ({ path: 'c', line, body: `on ${line}` }));
    await github.as('alice').review(REPO, number, { event: 'REQUEST_CHANGES', body: 'No.', comments });
    expect((await receiver.next('pull_request_review.submitted')).body).toMatchObject({
      review: { state: 'changes_requested', body: 'No.', user: { login: 'alice' } },
      pull_request: { number, requested_reviewers: [], review_comments: 2 },
    });
    for (const line of [2, 3])
      expect((await receiver.next('pull_request_review_comment.created')).body).toMatchObject({
        comment: { body: `on ${line}`, path: 'c', line, diff_hunk: expect.stringMatching(/^@@ .*@@/) },
      });
    // A comment by itself, and a reply, are reviews of their own.
    const alone = await github.as('bob').commentLine(REPO, number, { path: 'c', line: 4, body: 'alone' });
    await github.as('alice').reply(REPO, number, alone, 'yes');
    const { data } = await app.rest.pulls.listReviews(at);
    expect(data.map(({ state, user }) => `${user?.login} ${state}`)).toEqual([
      'alice CHANGES_REQUESTED',
      'bob COMMENTED',
      'alice COMMENTED',
    ]);
    expect((await github.state(REPO)).threads.map((thread) => thread.comments.length)).toEqual([1, 1, 2]);
  });

  test('are refused as GitHub refuses them', async () => {
    await using world = await openPull();
    const { github, app, number, at } = world;
    const review = async (given: object) => app.rest.pulls.createReview({ ...at, ...given });
    await expect(review({ event: 'APPROVE' })).rejects.toThrow(/Can not approve your own/);
    await expect(review({ event: 'REQUEST_CHANGES', body: 'x' })).rejects.toThrow(
      /request changes on your own/,
    );
    await expect(review({ event: 'COMMENT' })).rejects.toMatchObject(DENIED);
    await expect(review({ comments: [{ path: 'c', line: 99, body: 'x' }] })).rejects.toMatchObject(DENIED);
    await expect(review({ comments: [{ path: 'a.md', line: 1, body: 'x' }] })).rejects.toMatchObject(DENIED);
    for (const reviewer of ['mallory', 'choo[bot]'])
      await expect(app.rest.pulls.requestReviewers({ ...at, reviewers: [reviewer] })).rejects.toMatchObject(
        DENIED,
      );
    const { data: pending } = await review({ body: 'later' });
    expect(pending.state).toBe('PENDING');
    // One for each user and pull request, and nothing beside it.
    for (const given of [{ body: 'second' }, { event: 'COMMENT', body: 'at once' }])
      await expect(review(given)).rejects.toThrow(/only have one pending review/);
    const comment = await github.as('bob').commentLine(REPO, number, { path: 'c', line: 1, body: 'b' });
    await expect(
      app.rest.pulls.createReplyForReviewComment({ ...at, comment_id: comment, body: 'r' }),
    ).rejects.toThrow(/only have one pending review/);
    const asAlice = github.as('alice').review(REPO, number, { body: 'of her own' });
    await expect(asAlice).resolves.toBeGreaterThan(0);
    expect((await app.rest.pulls.listReviews(at)).data.map(({ state }) => state)).toEqual([
      'PENDING',
      'COMMENTED',
    ]);
    await app.rest.pulls.deletePendingReview({ ...at, review_id: pending.id });
    const { data: next } = await review({ body: 'again' });
    await app.rest.pulls.submitReview({ ...at, review_id: next.id, event: 'COMMENT' });
    await expect(app.rest.pulls.deletePendingReview({ ...at, review_id: next.id })).rejects.toMatchObject(
      DENIED,
    );
    await expect(
      app.rest.pulls.submitReview({ ...at, review_id: next.id, event: 'COMMENT' }),
    ).rejects.toMatchObject(DENIED);
  });

  test('hold replies back until they are submitted, and their threads are read and resolved by GraphQL', async () => {
    await using world = await openPull();
    const { github, app, receiver, number, at } = world;
    const alice = github.as('alice');
    const comments = [2, 5, 9].map((line) => ({ path: 'c', line, body: `on ${line}` }));
    await alice.review(REPO, number, { event: 'COMMENT', body: 'Look.', comments });
    const read = async (after?: string) => {
      const variables = { owner: AT.owner, name: AT.repo, number, after };
      return (await app.graphql<Threads>(THREADS, variables)).repository.pullRequest.reviewThreads;
    };
    const first = await read();
    const rest = await read(first.pageInfo.endCursor);
    expect([
      first.nodes.length,
      first.pageInfo.hasNextPage,
      rest.nodes.length,
      rest.pageInfo.hasNextPage,
    ]).toEqual([2, true, 1, false]);
    const thread = first.nodes[0]?.id ?? '';
    const { data: pending } = await app.rest.pulls.createReview({ ...at, body: 'All.' });
    const reply = `mutation ($thread: ID!, $review: ID!) { addPullRequestReviewThreadReply(input: {
      pullRequestReviewThreadId: $thread, pullRequestReviewId: $review, body: "done" }) { comment { id } } }`;
    await app.graphql(reply, { thread, review: pending.node_id });
    const heard = receiver.received.length;
    await github.settled();
    expect(receiver.received.length).toBe(heard);
    await app.rest.pulls.submitReview({ ...at, review_id: pending.id, event: 'COMMENT' });
    expect((await receiver.next('pull_request_review.submitted')).body).toMatchObject({
      sender: { login: 'alice' },
    });
    expect((await receiver.next('pull_request_review.submitted')).body).toMatchObject({
      sender: { type: 'Bot' },
    });
    await expect(app.graphql(reply, { thread, review: pending.node_id })).rejects.toThrow(
      /already been submitted/,
    );
    const resolve = `mutation ($id: ID!) { resolveReviewThread(input: { threadId: $id }) { thread { isResolved } } }`;
    await app.graphql(resolve, { id: thread });
    expect((await receiver.next('pull_request_review_thread.resolved')).body).toMatchObject({
      thread: { node_id: thread, comments: [{ body: 'on 2' }, { body: 'done' }] },
    });
    // What a push changes under a thread makes it outdated; the others move with their lines.
    await alice.push(REPO, 'side', { files: { c: '0\n1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n' } });
    const after = [...(await read()).nodes, ...(await read('2')).nodes];
    expect(after.map(({ line, isOutdated, isResolved }) => [line, isOutdated, isResolved])).toEqual([
      [3, false, true],
      [null, true, false],
      [10, false, false],
    ]);
    await expect(app.graphql(THREADS.replace('isOutdated', 'isOld'))).rejects.toThrow(/./);
    await expect(
      app.graphql(THREADS.replace('isOutdated', 'isOld'), { owner: AT.owner, name: AT.repo, number }),
    ).rejects.toThrow(/Field 'isOld' doesn't exist/);
    await expect(
      app.graphql(THREADS.replace('first: 2', 'first: 101'), { owner: AT.owner, name: AT.repo, number }),
    ).rejects.toThrow(/limit of 100/);
  });

  test('are dismissed by somebody who may push, or by the next push where the repository wants that', async () => {
    await using world = await openPull();
    const { github, app, receiver, number, at } = world;
    const [alice, reader] = [github.as('alice'), github.as('bob')];
    const states = async () => (await app.rest.pulls.listReviews(at)).data.map(({ state }) => state);
    const first = await alice.review(REPO, number, { event: 'APPROVE' });
    await expect(reader.dismiss(REPO, number, first, 'No.')).rejects.toThrow(/403|not accessible|rights/);
    await expect(alice.dismiss(REPO, number, first, '')).rejects.toThrow(/missing_field/);
    await alice.dismiss(REPO, number, first, 'Too early.');
    expect((await receiver.next('pull_request_review.dismissed')).body).toMatchObject({
      review: { id: first, state: 'dismissed' },
      sender: { login: 'alice' },
    });
    await expect(alice.dismiss(REPO, number, first, 'Again.')).rejects.toThrow(/Can not dismiss/);
    await alice.review(REPO, number, { event: 'APPROVE' });
    await alice.push(REPO, 'side', { files: { d: 'd\n' } });
    expect(await states()).toEqual(['DISMISSED', 'APPROVED']);
    github.setDismissal(REPO, true);
    await alice.push(REPO, 'side', { files: { d: 'e\n' } });
    expect(await states()).toEqual(['DISMISSED', 'DISMISSED']);
  });

  test('need permissions that say so: to resolve a thread that of contents, too', async () => {
    await using world = await openPull();
    const { github, number } = world;
    await github.as('bob').review(REPO, number, {
      event: 'COMMENT',
      body: 'Look.',
      comments: [{ path: 'c', line: 1, body: 'x' }],
    });
    const [thread] = (await github.state(REPO)).threads;
    await expect(github.as('mallory').resolve(thread?.id ?? '')).rejects.toThrow(/not accessible/);
    await github.as('alice').resolve(thread?.id ?? '');
    expect((await github.state(REPO)).threads[0]?.resolvedBy).toBe('alice');
  });
});

test("the checks of another App are listed beside one's own, and are its own", async () => {
  await using world = await startWorld();
  const { github, app } = world;
  const sha = (await github.state(REPO)).refs['refs/heads/main'] ?? '';
  const annotation = {
    path: 'a.md',
    start_line: 1,
    end_line: 1,
    annotation_level: 'failure',
    message: 'No.',
  };
  const output = { title: 'T', summary: 'S', annotations: [annotation] };
  const id = await github.checkByOther(REPO, { name: 'test', sha, conclusion: 'failure', output });
  await app.rest.checks.create({ ...AT, name: 'choo', head_sha: sha });
  const { data } = await app.rest.checks.listForRef({ ...AT, ref: sha });
  expect(data.check_runs.map((run) => [run.name, run.app?.slug])).toEqual([
    ['choo', 'choo'],
    ['test', 'github-actions'],
  ]);
  const own = await app.rest.checks.listForRef({ ...AT, ref: sha, app_id: 4711 });
  expect(own.data.total_count).toBe(1);
  expect((await app.rest.checks.listAnnotations({ ...AT, check_run_id: id })).data).toMatchObject([
    annotation,
  ]);
  const change = app.rest.checks.update({ ...AT, check_run_id: id, conclusion: 'success' });
  await expect(change).rejects.toMatchObject({ status: 403 });
});
