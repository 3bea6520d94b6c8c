import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quiet } from '../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../helpers/app-world.ts';
import { runFeatureStack } from '../helpers/pulls/feature-stack.ts';

let world: AppWorld;
beforeAll(async () => {
  world = await makeAppWorld({ units: {} }, { environment: { CHOO_SANDBOX: 'bubblewrap' } });
  await world.start();
});
afterAll(async () => world[Symbol.asyncDispose]());

/** Units that came with a pull request from a branch, and were run by a label on it. A gate reads what its unit wrote. */
const runStack = async (branch: string, ...units: readonly string[]): Promise<number> =>
  runFeatureStack(world, { branch, units, gateOf: (unit) => `grep -qx ${unit} ${unit}.txt` });

const pullOf = ({ pulls }: State, branch: string) => pulls.findLast(({ head }) => head.ref === branch);
const conclusionAt = ({ checks }: State, unit: string, commit: string) =>
  checks.findLast(({ name, head_sha }) => name === `choo / ${unit}` && head_sha === commit)?.conclusion;

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
