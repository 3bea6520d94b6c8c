import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, planned, quiet, seen } from '../../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../../helpers/app-world.ts';
import { runFeatureStack, stackFiles } from '../../helpers/pulls/feature-stack.ts';
import { projectFiles } from '../../helpers/spec-project.ts';

const pullsOf = ({ pulls }: State, unit: string) =>
  pulls
    .filter(({ head }) => head.ref === unit)
    .map(({ number, state, base, draft }) => ({ number, state, base: base.ref, draft }));
const pullOf = (state: State, unit: string) => pullsOf(state, unit).at(-1);
const statusComment = ({ comments }: State, issue: number): string =>
  comments.find((each) => each.issue === issue && each.body.includes('<!-- choo:run'))?.body ?? '';

let world: AppWorld;
beforeAll(async () => {
  world = await makeAppWorld({ units: {} });
  await world.start();
});
afterAll(async () => world[Symbol.asyncDispose]());

/** Units that came with a pull request, and were run by a label on it. Returns its number. */
const runStack = async (branch: string, ...units: readonly string[]): Promise<number> =>
  runFeatureStack(world, { branch, units });

/** Deletes a branch by a push: GitHub then closes what came from it or went to it. */
async function deleteBranch(branch: string): Promise<void> {
  await world.git('push', '--quiet', world.github.remote(REPO, 'alice'), `:refs/heads/${branch}`);
}

const outcomes = async (target: string) =>
  Object.fromEntries(
    (
      await world.server.rows(
        `select unit, body->>'outcome' as outcome from records where target = '${target}' order by unit`,
      )
    ).map(({ unit, outcome }) => [unit, outcome]),
  );

describe('a pull request that closes because a branch was deleted', () => {
  test('is no rejection where what it builds on was merged: it comes back, onto where that went', async () => {
    const { github } = world;
    await runStack('merged', 'm-one', 'm-two', 'm-three');
    const before = await github.state(REPO);
    const [two, three] = ['m-two', 'm-three'].map(
      (id) => pullOf(before, `choo/unit/merged/${id}`)?.number ?? 0,
    );
    // Merged and deleted by one push, before choo can have the others go elsewhere.
    const branch = 'refs/heads/choo/unit/merged/m-one';
    const remote = github.remote(REPO, 'alice');
    await world.git('push', '--quiet', remote, `${branch}:refs/heads/merged`, `:${branch}`);
    await world.until('the second to come back', (state) => {
      const pull = pullOf(state, 'choo/unit/merged/m-two');
      return pull?.state === 'open' && pull.base === 'merged' && !pull.draft;
    });
    const state = await quiet(world);
    expect(pullsOf(state, 'choo/unit/merged/m-two')).toEqual([
      { number: two, state: 'open', base: 'merged', draft: false },
    ]);
    expect(pullsOf(state, 'choo/unit/merged/m-three')).toEqual([
      { number: three, state: 'open', base: 'choo/unit/merged/m-two', draft: true },
    ]);
    expect(Object.keys(state.refs)).not.toContain('refs/heads/choo/unit/merged/m-one');
    expect(await outcomes('merged')).toEqual({ 'm-one': 'merged', 'm-two': null, 'm-three': null });
  });

  test('is not forgotten because a report was under way when it came', async () => {
    const { github } = world;
    await runStack('late', 't-one', 't-two');
    const before = await github.state(REPO);
    const [one, two] = ['t-one', 't-two'].map((id) => pullOf(before, `choo/unit/late/${id}`)?.number ?? 0);
    const path = new RegExp(`/pulls/${two}$`);
    github.fail({ method: 'PATCH', path, times: 1 }, { delayMs: 4_000 });
    const count = github.requests.length;
    await github.as('alice').merge(REPO, one ?? 0);
    await world.until('the report', () =>
      github.requests.slice(count).some((each) => each.method === 'PATCH' && path.test(each.path)),
    );
    await deleteBranch('choo/unit/late/t-one');
    await world.until('the second to come back', (state) => {
      const pull = pullOf(state, 'choo/unit/late/t-two');
      return pull?.state === 'open' && pull.base === 'late' && !pull.draft;
    });
    expect(await outcomes('late')).toEqual({ 't-one': 'merged', 't-two': null });
  });

  test('is no rejection where its own branch is gone: that is said, and what builds on it goes on', async () => {
    const { github } = world;
    const thread = await runStack('gone', 'g-one', 'g-two');
    await deleteBranch('choo/unit/gone/g-one');
    await world.until('the second to come back', (state) => {
      const pull = pullOf(state, 'choo/unit/gone/g-two');
      return pull?.state === 'open' && pull.base === 'gone';
    });
    const state = await quiet(world);
    expect(await outcomes('gone')).toEqual({ 'g-one': null, 'g-two': null });
    expect(pullsOf(state, 'choo/unit/gone/g-one')).toMatchObject([{ state: 'closed' }]);
    expect(pullsOf(state, 'choo/unit/gone/g-two')).toMatchObject([{ state: 'open', draft: true }]);
    expect(statusComment(state, thread)).toContain('closed when a branch was deleted');
    // Asked for again, it is not taken for one that nobody wants.
    await github.as('alice').comment(REPO, thread, '/choo run g-one');
    await ended(world, 2, thread);
    const again = await quiet(world);
    expect(pullOf(again, 'choo/unit/gone/g-one')).toMatchObject({ state: 'open', base: 'gone' });
  });

  test('does not end a run where it is the base of what asked for it that is gone', async () => {
    const { github } = world;
    const alice = github.as('alice');
    await world.push('alice', 'below', { 'below.txt': '' });
    const slow = { gate: 'test -f slow.txt', sh: 'sleep 5; echo > slow.txt' };
    const { '.choo.yml': _, ...files } = projectFiles({ units: { slow: { tasks: [slow] } } });
    const head = await world.push('alice', 'above', files, { from: 'below' });
    const thread = await alice.openPull(REPO, { head: 'above', base: 'below', title: 'Above' });
    await planned(world, head);
    await seen(world, thread);
    await alice.label(REPO, thread, 'choo:run');
    await world.until('the unit to run', ({ checks }) =>
      checks.some(({ name, status }) => name === 'choo / slow' && status === 'in_progress'),
    );
    await deleteBranch('below');
    const state = await ended(world, 1, thread);
    expect(state.pulls.find(({ number }) => number === thread)).toMatchObject({ state: 'closed' });
    expect(pullOf(state, 'choo/unit/above/slow')).toMatchObject({ state: 'open', base: 'above' });
  });

  test('is replaced where GitHub does not reopen it, with its labels', async () => {
    const { github } = world;
    await runStack('anew', 'n-one', 'n-two');
    const number = pullOf(await github.state(REPO), 'choo/unit/anew/n-two')?.number ?? 0;
    await github.as('alice').label(REPO, number, 'look-here');
    github.fail(
      { method: 'PATCH', path: new RegExp(`/pulls/${number}$`), times: 1 },
      { status: 422, body: { message: 'state cannot be changed' } },
    );
    await deleteBranch('choo/unit/anew/n-one');
    await world.until('another pull request', (state) => pullsOf(state, 'choo/unit/anew/n-two').length === 2);
    const state = await quiet(world);
    expect(pullsOf(state, 'choo/unit/anew/n-two')).toEqual([
      { number, state: 'closed', base: 'choo/unit/anew/n-one', draft: true },
      { number: expect.any(Number), state: 'open', base: 'anew', draft: true },
    ]);
    const next = state.pulls.findLast(({ head }) => head.ref === 'choo/unit/anew/n-two');
    expect(next?.labels).toEqual(['look-here']);
    expect(next?.body).toContain(`#${number}`);
    expect(Object.keys(state.refs)).not.toContain('refs/heads/choo/unit/anew/n-one');
    expect(await outcomes('anew')).toEqual({ 'n-one': null, 'n-two': null });
  });

  test('is a rejection where a person closed it', async () => {
    const { github } = world;
    await runStack('closed', 'c-one', 'c-two');
    const pull = pullOf(await github.state(REPO), 'choo/unit/closed/c-two');
    await github.as('alice').close(REPO, pull?.number ?? 0);
    const state = await quiet(world);
    expect(await outcomes('closed')).toEqual({ 'c-one': null, 'c-two': 'rejected' });
    expect(pullsOf(state, 'choo/unit/closed/c-two')).toMatchObject([{ state: 'closed' }]);
  });
});

describe('a stack of GitHub’s own', () => {
  test('keeps the bases that GitHub gives its pull requests, and their branches', async () => {
    const { github } = world;
    const thread = await runStack('native', 'n-one', 'n-two');
    const before = await github.state(REPO);
    const numbers = ['n-one', 'n-two'].map((id) => pullOf(before, `choo/unit/native/${id}`)?.number ?? 0);
    await github.as('alice').stack(REPO, numbers);
    await world.until('the stack to be seen', (state) =>
      numbers.every((each) => state.pulls.some(({ number, body }) => number === each && isSaid(body))),
    );
    const { length } = github.requests;
    // By a push: GitHub merges a stack otherwise only as a whole, and changes the bases itself.
    await github.as('alice').push(REPO, 'native', { from: 'choo/unit/native/n-one' });
    await world.until(
      'the second to be ready',
      (state) => pullOf(state, 'choo/unit/native/n-two')?.draft === false,
      20_000,
    );
    const state = await quiet(world);
    expect(pullOf(state, 'choo/unit/native/n-two')).toMatchObject({ base: 'choo/unit/native/n-one' });
    expect(state.refs).toHaveProperty('refs/heads/choo/unit/native/n-one');
    const bases = github.requests.slice(length).filter(({ body }) => Object.hasOwn(Object(body), 'base'));
    expect(bases).toEqual([]);
    expect(statusComment(state, thread)).not.toContain('part of a stack');
  });
});

/** Whether a pull request says that only GitHub moves it. */
function isSaid(body: string | null): boolean {
  return body?.includes("It is in one of GitHub's own stacks") === true;
}

describe('a refusal of one thing', () => {
  test('of a pull request keeps back neither its check nor the others', async () => {
    const { github } = world;
    const head = await world.push('alice', 'refused', {
      ...stackFiles({ units: ['r-one'] }),
      ...stackFiles({ units: ['r-two'] }),
    });
    const alice = github.as('alice');
    const thread = await alice.openPull(REPO, { head: 'refused', base: 'main', title: 'Refused' });
    await planned(world, head);
    await seen(world, thread);
    const body = { message: 'Validation Failed', errors: [{ message: 'was submitted too quickly' }] };
    github.fail({ method: 'POST', path: /\/pulls$/, times: 1 }, { status: 422, body });
    await alice.label(REPO, thread, 'choo:run');
    await ended(world, 1, thread);
    const isDone = (state: State): boolean =>
      ['r-one', 'r-two'].every((id) =>
        state.checks.some(
          ({ name, head_sha, conclusion }) =>
            name === `choo / ${id}` && head_sha === head && conclusion === 'success',
        ),
      );
    const state = await world.until('both checks', isDone, 20_000);
    expect(['r-one', 'r-two'].flatMap((id) => pullsOf(state, `choo/unit/refused/${id}`))).toHaveLength(1);
    expect(statusComment(state, thread)).toContain('was submitted too quickly');
  });

  test('of a comment keeps back neither checks nor pull requests', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const head = await world.push('alice', 'locked', stackFiles({ units: ['l-one'] }));
    const thread = await alice.openPull(REPO, { head: 'locked', base: 'main', title: 'Locked' });
    await planned(world, head);
    await seen(world, thread);
    const path = new RegExp(`/issues/${thread}/comments$`);
    const locked = { message: 'Unable to create comment because issue is locked.' };
    github.fail({ method: 'POST', path, times: 1_000 }, { status: 403, body: locked });
    await alice.label(REPO, thread, 'choo:run');
    const state = await world.until(
      'its pull request',
      (state) => pullOf(state, 'choo/unit/locked/l-one') !== undefined,
      30_000,
    );
    expect(state.checks.some(({ name, head_sha }) => name === 'choo / l-one' && head_sha === head)).toBe(
      true,
    );
  });
});
