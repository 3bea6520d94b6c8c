import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, nextSecond, planned, quiet } from '../../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../../helpers/app-world.ts';
import { runFeatureStack } from '../../helpers/pulls/feature-stack.ts';

let world: AppWorld;
beforeAll(async () => {
  world = await makeAppWorld({ units: {} }, { environment: { CHOO_SANDBOX: 'bubblewrap' } });
  await world.start();
});
afterAll(async () => world[Symbol.asyncDispose]());

/**
 * Units that came with a pull request from a branch, and were run by a label on it. A gate reads what its unit wrote, by a pattern:
 * no agent may change a file that a gate names and that is in the target.
 */
const runStack = async (branch: string, ...units: readonly string[]): Promise<number> =>
  runFeatureStack(world, {
    ...{ branch, units, gateOf: (unit: string) => `grep -qx ${unit} ${unit}.t?t` },
    sh: 'test "$CHOO_REHEARSAL" = resolve && sh ./play.sh',
  });

const pullOf = ({ pulls }: State, branch: string) => pulls.findLast(({ head }) => head.ref === branch);
const conclusionAt = ({ checks }: State, unit: string, commit: string) =>
  checks.findLast(({ name, head_sha }) => name === `choo / ${unit}` && head_sha === commit)?.conclusion;

/** How the updates ended that ran gates at a commit, without a new place. */
async function updatesAt(commit: string): Promise<readonly unknown[]> {
  const rows = await world.server.rows(
    `select status from runs join events on events.run = runs.id and events.seq = 1
     where purpose = 'update' and body #>> '{update,head}' = '${commit}' and body #>> '{update,onto}' is null`,
  );
  return rows.map(({ status }) => status);
}

/** Waits until the gates of a unit ended at a commit; returns how, and the unit's pull request. */
async function judged(branch: string, commit: string) {
  const unit = branch.split('/').at(-1) ?? '';
  await world.until(`the gates of ${unit} at ${commit}`, (state) =>
    ['success', 'failure', 'action_required'].includes(conclusionAt(state, unit, commit) ?? ''),
  );
  const state = await quiet(world);
  const pull = pullOf(state, branch);
  return { conclusion: conclusionAt(state, unit, commit), draft: pull?.draft, head: pull?.head.sha, pull };
}

describe('a head that a person made', () => {
  const branch = 'choo/unit/people/p-one';
  beforeAll(async () => runStack('people', 'p-one', 'p-two'));

  test('is verified where it is, and named in the text', async () => {
    const commit = await world.github.as('alice').push(REPO, branch, { files: { 'more.txt': 'more\n' } });
    const { conclusion, draft, head, pull } = await judged(branch, commit);
    expect({ conclusion, draft, head }).toEqual({ conclusion: 'success', draft: false, head: commit });
    expect(pull?.body).toContain(commit.slice(0, 12));
    expect(pull?.body).toContain('that choo did not make');
    // Its gates ran there: the head is not taken for choo's own.
    expect(await updatesAt(commit)).toEqual(['complete']);
  });

  test('whose gate is red makes a draft of its pull request', async () => {
    const commit = await world.github.as('alice').push(REPO, branch, { files: { 'p-one.txt': 'else\n' } });
    expect(await judged(branch, commit)).toMatchObject({ conclusion: 'failure', draft: true, head: commit });
  });

  test('that edits the gate is judged by the approved one', async () => {
    const path = 'specs/tasks/p-one/01-step.md';
    const text = await world.git('show', `refs/heads/${branch}:${path}`);
    const commit = await world.github.as('alice').push(REPO, branch, {
      files: { [path]: `${text.replace(/^backpressure: .*$/m, 'backpressure: "true"')}\n` },
    });
    expect(await judged(branch, commit)).toMatchObject({ conclusion: 'failure', draft: true, head: commit });
  });

  test('that mends it makes the pull request ready again', async () => {
    const commit = await world.github.as('alice').push(REPO, branch, { files: { 'p-one.txt': 'p-one\n' } });
    expect(await judged(branch, commit)).toMatchObject({ conclusion: 'success', draft: false, head: commit });
  });

  test('that replaced what was there is verified, and stays', async () => {
    const commit = await world.github
      .as('alice')
      .push(REPO, branch, { files: { 'more.txt': 'less\n' }, amend: true });
    expect(await judged(branch, commit)).toMatchObject({ conclusion: 'success', draft: false, head: commit });
    expect(await world.git('rev-parse', `refs/heads/${branch}`)).toBe(commit);
  });

  test('by *Update branch* is verified', async () => {
    await world.push('alice', 'people', { 'beside.txt': 'beside\n' });
    const alice = world.github.as('alice');
    const before = await world.git('rev-parse', `refs/heads/${branch}`);
    await alice.updateBranch(REPO, pullOf(await quiet(world), branch)?.number ?? 0);
    const commit = await world.git('rev-parse', `refs/heads/${branch}`);
    expect(commit).not.toBe(before);
    expect(await judged(branch, commit)).toMatchObject({ conclusion: 'success', draft: false, head: commit });
  });

  test('cannot be said to be ready while what is below it is open', async () => {
    const above = 'choo/unit/people/p-two';
    const number = pullOf(await world.github.state(REPO), above)?.number ?? 0;
    await world.github.as('alice').ready(REPO, number);
    const state = await world.until('the draft', (now) => pullOf(now, above)?.draft === true);
    expect(pullOf(state, above)?.base.ref).toBe(branch);
  });

  test('cannot be made ready by who may not write, whatever it waits for', async () => {
    const above = 'choo/unit/people/p-two';
    const before = pullOf(await quiet(world), above);
    for (const login of ['stranger', 'reader'])
      await expect(world.github.as(login).ready(REPO, before?.number ?? 0)).rejects.toThrow(/./);
    expect(pullOf(await quiet(world), above)).toMatchObject({ draft: true, base: { ref: branch } });
  });

  test('is what git has, not what a delivery says: a head that a reader claims is neither fetched nor verified', async () => {
    const { github } = world;
    const { deliveries } = github;
    await expect(github.as('reader').push(REPO, branch, { files: { 'claim.txt': '' } })).rejects.toThrow(/./);
    const before = pullOf(await quiet(world), branch);
    const told = deliveries.findLast(
      ({ event, body }) =>
        event === 'pull_request' &&
        (body as { pull_request?: { number?: number } }).pull_request?.number === before?.number,
    )?.body as { readonly pull_request: { readonly head: object }; readonly sender: object };
    const [claimed, login] = ['c1a1'.repeat(10), 'reader'];
    const later = new Date(Date.now() + 2_000).toISOString();
    const pull = {
      ...told.pull_request,
      head: { ...told.pull_request.head, sha: claimed },
      updated_at: later,
    };
    const sender = { ...told.sender, login, type: 'User' };
    github.deliver('pull_request', { ...told, action: 'synchronize', pull_request: pull, sender });
    const state = await quiet(world);
    expect(pullOf(state, branch)).toEqual(before);
    expect(state.checks.filter(({ head_sha }) => head_sha === claimed)).toEqual([]);
    expect(await updatesAt(claimed)).toEqual([]);
  });
});

test('a pull request that conflicts with its target is a draft that names the files, until a person merges', async () => {
  const branch = 'choo/unit/clash/c-one';
  await runStack('clash', 'c-one');
  const head = await world.git('rev-parse', `refs/heads/${branch}`);
  await world.push('alice', 'clash', { 'c-one.txt': 'taken\n' });
  const { conclusion, draft, pull } = await judged(branch, head).then(async (first) =>
    first.conclusion === 'success'
      ? world
          .until('the conflict', (state) => conclusionAt(state, 'c-one', head) === 'action_required')
          .then(async () => judged(branch, head))
      : first,
  );
  expect({ conclusion, draft }).toEqual({ conclusion: 'action_required', draft: true });
  expect(pull?.body).toContain('`c-one.txt`');
  const merged = await world.github.as('alice').push(REPO, branch, {
    files: { 'c-one.txt': 'c-one\n' },
    merge: 'clash',
  });
  expect(await judged(branch, merged)).toMatchObject({ conclusion: 'success', draft: false, head: merged });
});

test('a conflict is resolved by an agent that is asked, and nothing of it is pushed that fails its gates', async () => {
  const branch = 'choo/unit/clash/c-one';
  const alice = world.github.as('alice');
  const head = await world.git('rev-parse', `refs/heads/${branch}`);
  const offered = (state: State, at: string) =>
    state.checks.findLast(
      ({ name, head_sha, actions }) =>
        name === 'choo / c-one' &&
        head_sha === at &&
        actions.some(({ identifier }) => identifier === 'resolve'),
    );
  await world.push('alice', 'clash', { 'c-one.txt': 'again\n', 'play.sh': 'echo neither > c-one.txt\n' });
  await world.until('the offer', (state) => offered(state, head) !== undefined);
  const before = pullOf(await quiet(world), branch);
  expect(before?.body).toContain('on the other side by tester');
  const body = before?.body?.replace('- [ ] Resolve', '- [x] Resolve');
  await alice.edit(REPO, before?.number ?? 0, { body: body ?? '' });
  await world.until(
    'the failure',
    (state) => pullOf(state, branch)?.body?.includes('An agent could not resolve it') === true,
  );
  const failed = pullOf(await quiet(world), branch);
  expect({ draft: failed?.draft, head: failed?.head.sha }).toEqual({ draft: true, head });
  expect(failed?.body).toContain('the gate of task 1 is red');
  expect(failed?.body).not.toContain('Resolve the conflict with an agent');

  const target = await world.push('alice', 'clash', { 'play.sh': 'echo c-one > c-one.txt\n' });
  const again = await world.until('another offer', (state) => offered(state, head) !== undefined);
  alice.pressButton(REPO, offered(again, head)?.id ?? 0, 'resolve');
  await world.until('the push', (state) => pullOf(state, branch)?.head.sha !== head);
  const made = await world.git('rev-parse', `refs/heads/${branch}`);
  expect(await judged(branch, made)).toMatchObject({ conclusion: 'success', draft: false, head: made });
  expect(await world.git('log', '-1', '--format=%P', made)).toBe(`${head} ${target}`);
  const runs = await world.git('log', '--format=%an', `${head}..${made}`, '^clash');
  expect(runs.split('\n')).toHaveLength(1);
});

test('a merge that the target takes back is undone: what builds on it is a draft, and it can be made again', async () => {
  const { github } = world;
  const alice = github.as('alice');
  const thread = await runStack('undo', 'u-one', 'u-two');
  const [below, above] = ['choo/unit/undo/u-one', 'choo/unit/undo/u-two'];
  const number = pullOf(await quiet(world), below)?.number ?? 0;
  await alice.merge(REPO, number, 'squash');
  await world.until('the second to be ready', (state) => pullOf(state, above)?.draft === false);
  await quiet(world);
  const tree = await world.git('rev-parse', 'undo~1^{tree}');
  const back = await world.git('commit-tree', '-p', 'undo', '-m', 'tidy', tree);
  await world.git('push', '--quiet', github.remote(REPO, 'alice'), `${back}:refs/heads/undo`);
  const state = await world.until('the draft', (now) => pullOf(now, above)?.draft === true);
  expect(pullOf(state, above)?.base.ref).toBe('undo');
  expect(pullOf(await quiet(world), above)?.body).toContain(back.slice(0, 12));
  const comment = (now: State): string | undefined =>
    now.comments.find(({ issue, body }) => issue === thread && body.includes('<!-- choo:run'))?.body;
  expect(comment(await github.state(REPO))).toContain(`#${number} (reverted by \`${back.slice(0, 12)}\`)`);

  await planned(world, back);
  await nextSecond(); // she has seen that plan
  await alice.comment(REPO, thread, '/choo run u-one');
  await ended(world, 2, thread);
  const again = await quiet(world);
  expect(pullOf(again, below)).toMatchObject({ state: 'open', merged: false, base: { ref: 'undo' } });
  expect(pullOf(again, below)?.number).not.toBe(number);
  await world.until('what builds on it to go there', (now) => pullOf(now, above)?.base.ref === below);
  expect(pullOf(await quiet(world), above)).toMatchObject({ draft: true, base: { ref: below } });
});

test('a squash whose deliveries were lost is found at the next start', async () => {
  await runStack('lost', 'l-one', 'l-two');
  const { github } = world;
  const [below, above] = ['choo/unit/lost/l-one', 'choo/unit/lost/l-two'];
  const state = await quiet(world);
  github.deliverTo(undefined);
  await github.as('alice').merge(REPO, pullOf(state, below)?.number ?? 0, 'squash');
  github.loseWaiting();
  await world.start();
  const after = await world.until('the second to be ready', (now) => {
    const pull = pullOf(now, above);
    return pull?.base.ref === 'lost' && !pull.draft;
  });
  const head = pullOf(after, above)?.head.sha ?? '';
  expect(conclusionAt(await quiet(world), 'l-two', head)).toBe('success');
  const own = await world.git('diff', '--name-only', `lost...${head}`);
  expect(own.split('\n').filter((path) => !path.startsWith('specs/'))).toEqual(['l-two.txt']);
});
