import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, nextSecond, planned, quiet, seen } from '../../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State, untilOf } from '../../helpers/app-world.ts';
import { runFeatureStack } from '../../helpers/pulls/feature-stack.ts';
import type { ServerProcess } from '../../helpers/server-project.ts';
import { projectFiles, type UnitSpec } from '../../helpers/spec-project.ts';

/** A repository of an account whose plan has no drafts. */
const PLAIN = 'plain/widgets';

let world: AppWorld;
let server: ServerProcess;
beforeAll(async () => {
  const { '.choo.yml': config = '' } = projectFiles({ units: {} });
  world = await makeAppWorld(
    { units: {} },
    {
      environment: { CHOO_SANDBOX: 'bubblewrap' },
      others: [
        {
          ...{ owner: 'plain', name: 'widgets', drafts: false },
          files: { '.choo.yml': config },
          collaborators: { alice: 'write' },
        },
      ],
    },
  );
  server = await world.start();
});
afterAll(async () => world[Symbol.asyncDispose]());

/** Units that came with a pull request, each on the one before it, and were run by a label on it. Returns its number. */
const runStack = async (branch: string, ...units: readonly string[]): Promise<number> =>
  runFeatureStack(world, { branch, units, gateOf: (unit) => `grep -qx ${unit} ${unit}.t?t` });

/** The same for any units, of one repository. */
async function runUnits(
  branch: string,
  units: Readonly<Record<string, UnitSpec>>,
  repo = REPO,
): Promise<number> {
  const alice = world.github.as('alice');
  const { '.choo.yml': _, ...files } = projectFiles({ units });
  const head = await world.push('alice', branch, files, { repo });
  const thread = await alice.openPull(repo, { head: branch, base: 'main', title: 'Units' });
  const there = { ...world, until: untilOf(world.github, repo) };
  await planned(there, head);
  await seen(there, thread);
  await alice.label(repo, thread, 'choo:run');
  await ended(there, 1, thread);
  await quiet(world);
  return thread;
}

/** Waits until the comment with the plan shows a commit, and what is written then is plainly later. */
async function seenAt(commit: string): Promise<void> {
  await world.until('the plan in a comment', ({ comments }) =>
    comments.some(({ body }) => body.includes('<!-- choo:plan') && body.includes(commit.slice(0, 12))),
  );
  await nextSecond();
}

const writes = (unit: string): UnitSpec => ({
  tasks: [{ gate: `grep -qx ${unit} ${unit}.t?t`, sh: `echo ${unit} > ${unit}.txt` }],
});
const pair = (a: string, b: string, on: string) => ({
  ...{ [a]: writes(a), [b]: writes(b) },
  [on]: { ...writes(on), dependsOn: [a, b] },
});

const pullOf = ({ pulls }: State, branch: string) => pulls.findLast(({ head }) => head.ref === branch);
const numberOf = async (branch: string): Promise<number> =>
  pullOf(await world.github.state(REPO), branch)?.number ?? 0;
const checkAt = ({ checks }: State, unit: string, commit: string | undefined) =>
  checks.findLast(({ name, head_sha }) => name === `choo / ${unit}` && head_sha === commit);

async function recordOf(unit: string): Promise<Readonly<Record<string, unknown>>> {
  const [row] = await world.server.rows(`select body from records where unit = '${unit}'`);
  return row?.['body'] as Readonly<Record<string, unknown>>;
}

test('specs that the target changed since come with a bring-up, are not what judged it, and are said', async () => {
  const thread = await runStack('respec', 's-one', 's-two');
  const [below, above] = ['choo/unit/respec/s-one', 'choo/unit/respec/s-two'];
  const path = 'specs/tasks/s-two/01-step.md';
  const changed = (await world.git('show', `respec:${path}`)).replace(
    /^backpressure: .*$/m,
    'backpressure: test -f other.txt',
  );
  // Beside the line of the status, which both sides change.
  await world.push('alice', 'respec', {
    [path]: `${changed.replace('status: pending', 'status: pending\nmore: x')}\n`,
  });
  await world.github.as('alice').merge(REPO, await numberOf(below), 'squash');
  const state = await world.until('the check', (now) => {
    const pull = pullOf(now, above);
    return pull?.base.ref === 'respec' && checkAt(now, 's-two', pull.head.sha)?.conclusion === 'neutral';
  });
  const pull = pullOf(await quiet(world), above);
  expect(pull).toMatchObject({ draft: true, state: 'open' });
  expect(pull?.body).toContain('Its specs changed since');
  expect(checkAt(state, 's-two', pull?.head.sha)?.output.title).toContain('Specs changed since');
  expect(await world.git('show', `${above}:${path}`)).toBe(await world.git('show', `respec:${path}`));

  const mended = await world.push('alice', 'respec', {
    [path]: `${changed.replace('other.txt', 's-two.txt')}\n`,
  });
  await seenAt(mended);
  await world.github.as('alice').comment(REPO, thread, '/choo run s-two');
  await ended(world, 2, thread);
  const after = pullOf(await quiet(world), above);
  expect(after).toMatchObject({ draft: false, base: { ref: 'respec' } });
  expect(after?.body).not.toContain('Its specs changed since');
});

describe('a unit that was merged into the branch of its neighbour', () => {
  const [one, two, three] = ['n-one', 'n-two', 'n-three'].map((unit) => `choo/unit/nest/${unit}`) as [
    string,
    string,
    string,
  ];
  beforeAll(async () => {
    await runStack('nest', 'n-one', 'n-two', 'n-three');
    const alice = world.github.as('alice');
    const number = await numberOf(two);
    // Before choo makes a draft of it again.
    world.github.deliverTo(undefined);
    await alice.ready(REPO, number);
    await alice.merge(REPO, number, 'squash');
    world.github.deliverTo(`http://127.0.0.1:${server.port}/api/github/webhooks`);
  });

  test('is verified there, and what builds on it stays where it is', async () => {
    const head = await world.git('rev-parse', one);
    await world.until('the gates', (now) => checkAt(now, 'n-one', head)?.conclusion === 'success');
    const state = await quiet(world);
    expect(pullOf(state, one)).toMatchObject({ draft: false, head: { sha: head } });
    expect(pullOf(state, one)?.body).toContain('`n-two` was merged into this branch');
    expect(pullOf(state, three)).toMatchObject({ state: 'open', draft: true, base: { ref: two } });
    expect(pullOf(state, three)?.body).toContain('**Merge first:** `n-one`.');
  });

  test('judges what is pushed there, with its own gates', async () => {
    const alice = world.github.as('alice');
    const red = await alice.push(REPO, one, { files: { 'n-two.txt': 'else\n' } });
    await world.until('the gates', (now) => checkAt(now, 'n-one', red)?.conclusion === 'failure');
    expect(pullOf(await quiet(world), one)?.body).toMatch(
      /n\\?-two.{0,4}, which was merged into this branch/,
    );
    const green = await alice.push(REPO, one, { files: { 'n-two.txt': 'n-two\n' } });
    await world.until('the gates', (now) => checkAt(now, 'n-one', green)?.conclusion === 'success');
    await quiet(world);
  });

  test('is in the target with it, and what builds on it comes after', async () => {
    await world.github.as('alice').merge(REPO, await numberOf(one), 'squash');
    const state = await world.until('the third to be ready', (now) => {
      const pull = pullOf(now, three);
      return pull?.draft === false && checkAt(now, 'n-three', pull.head.sha)?.conclusion === 'success';
    });
    expect(pullOf(state, three)?.base.ref).toBe('nest');
    const own = await world.git('diff', '--name-only', `nest...${three}`);
    expect(own.split('\n').filter((path) => !path.startsWith('specs/'))).toEqual(['n-three.txt']);
  });
});

test('a base branch that a rule refuses is done without, and the text says so', async () => {
  world.github.setRules(REPO, [{ branches: ['choo/base/ruled/*'], types: ['creation'] }]);
  await runUnits('ruled', pair('r-one', 'r-two', 'r-three'));
  const state = await quiet(world);
  expect(Object.keys(state.refs).filter((ref) => ref.includes('choo/base/ruled'))).toEqual([]);
  const pull = pullOf(state, 'choo/unit/ruled/r-three');
  expect(pull).toMatchObject({ state: 'open', draft: true, base: { ref: 'ruled' } });
  expect(pull?.body).toContain('its base branch was refused');
  expect(pull?.body).toMatch(/\*\*Merge first:\*\* `r-one`, `r-two`\./);
});

test('a base branch that somebody deletes again and again is made again three times', async () => {
  await runUnits('loop', pair('l-one', 'l-two', 'l-three'));
  const [base, branch] = ['choo/base/loop/l-three', 'choo/unit/loop/l-three'];
  const settled = async () =>
    world.until('the pull request', (now) => {
      const pull = pullOf(now, branch);
      const isThere = Object.hasOwn(now.refs, `refs/heads/${base}`);
      return pull?.state === 'open' && (pull.base.ref === 'loop' || (pull.base.ref === base && isThere));
    });
  let deleted = 0;
  for (; pullOf(await settled(), branch)?.base.ref === base && deleted < 9; deleted += 1) {
    await world.github.as('alice').deleteBranch(REPO, base, 'api');
    await world
      .until('its pull request to close', (now) => !Object.hasOwn(now.refs, `refs/heads/${base}`), 5_000)
      .catch(() => {});
    await quiet(world);
  }
  expect(deleted).toBe(4);
  const state = await quiet(world);
  expect(pullOf(state, branch)).toMatchObject({ state: 'open', draft: true, base: { ref: 'loop' } });
  expect(pullOf(state, branch)?.body).toContain('deleted again and again');
  expect(state.refs).not.toHaveProperty(`refs/heads/${base}`);
});

test('heads that conflict with each other have no base branch: the pull request goes to the target, and says why', async () => {
  const files = (unit: string, text: string): UnitSpec => ({
    tasks: [{ gate: `test -f ${unit}.txt`, sh: `echo > ${unit}.txt; echo ${text} > ${text}.txt` }],
  });
  await runUnits('odds', {
    ...{ 'o-one': files('o-one', 'x'), 'o-two': files('o-two', 'y') },
    'o-three': { ...files('o-three', 'z'), dependsOn: ['o-one', 'o-two'] },
  });
  const branch = 'choo/unit/odds/o-three';
  const alice = world.github.as('alice');
  // The second changes what the target is about to have otherwise.
  const head = await alice.push(REPO, 'choo/unit/odds/o-two', { files: { 'x.txt': 'theirs\n' } });
  await world.until('its gates', (now) => checkAt(now, 'o-two', head)?.conclusion === 'success');
  await alice.merge(REPO, await numberOf('choo/unit/odds/o-one'), 'squash');
  await world.until('the new base', (now) => pullOf(now, branch)?.base.ref === 'odds');
  const pull = pullOf(await quiet(world), branch);
  expect(pull).toMatchObject({ state: 'open', draft: true });
  expect(pull?.body).toContain('**What it builds on does not merge:** `choo/unit/odds/o-two` and `odds`');
});

test('what stands on a rejected unit says so and how to go on, and has the branch made again that is gone', async () => {
  await runStack('reject', 'j-one', 'j-two');
  const [below, above] = ['choo/unit/reject/j-one', 'choo/unit/reject/j-two'];
  const alice = world.github.as('alice');
  const [number, tip] = [await numberOf(below), await world.git('rev-parse', below)];
  await alice.close(REPO, number);
  await world.until('the text', (now) => pullOf(now, above)?.body?.includes('It stands on') === true);
  const body = pullOf(await quiet(world), above)?.body;
  expect(body).toContain(`reopen #${number} or comment \`/choo retry j-one\``);
  expect(body).toContain('comment `/choo run j-two`');
  await alice.deleteBranch(REPO, below, 'api');
  const state = await world.until('the branch to come back', (now) => {
    const pull = pullOf(now, above);
    return pull?.state === 'open' && Object.hasOwn(now.refs, `refs/heads/${below}`);
  });
  expect(state.refs[`refs/heads/${below}`]).toBe(tip);
  expect(pullOf(await quiet(world), above)).toMatchObject({
    state: 'open',
    draft: true,
    base: { ref: below },
  });
});

test('a head that a push replaced is named, and retained', async () => {
  await runStack('force', 'f-one');
  const branch = 'choo/unit/force/f-one';
  const lost = await world.git('rev-parse', branch);
  const head = await world.github
    .as('alice')
    .push(REPO, branch, { files: { 'secret.txt': null, 'more.txt': '' }, amend: true });
  await world.until('the gates', (now) => checkAt(now, 'f-one', head)?.conclusion === 'success');
  const state = await quiet(world);
  expect(pullOf(state, branch)?.body).toContain(`\`${lost}\``);
  expect(pullOf(state, branch)).toMatchObject({ draft: false, head: { sha: head } });
});

test('a target that a person merged into a unit branch is what its work stands on from then on', async () => {
  await runStack('merged', 'm-one');
  const branch = 'choo/unit/merged/m-one';
  const target = await world.push('alice', 'merged', { 'm-one.md': 'beside\n' });
  const alice = world.github.as('alice');
  await alice.updateBranch(REPO, await numberOf(branch));
  const head = await world.git('rev-parse', branch);
  await world.until('the gates', (now) => checkAt(now, 'm-one', head)?.conclusion === 'success');
  const pull = pullOf(await quiet(world), branch);
  expect(await recordOf('m-one')).toMatchObject({ base: target, head, verified: true });
  expect(pull?.body).toContain("by a merge that choo did not make; the unit's own change is the same");
  expect(pull?.draft).toBe(false);
});

test('work on a unit ends at its next task when its pull request is merged, and names what was not', async () => {
  const task = (name: string, before = ''): UnitSpec['tasks'][number] => ({
    ...{ gate: `test -f ${name}.t?t`, sh: `${before}echo > ${name}.txt` },
  });
  const thread = await runUnits('early', { 'e-one': { tasks: [task('first')] } });
  const branch = 'choo/unit/early/e-one';
  const number = await numberOf(branch);
  const { '.choo.yml': _, ...files } = projectFiles({
    units: {
      'e-one': { tasks: [task('first'), task('second'), task('third', 'sleep 8; '), task('fourth')] },
    },
  });
  await seenAt(await world.push('alice', 'early', files));
  const alice = world.github.as('alice');
  await alice.comment(REPO, thread, '/choo run');
  await expect
    .poll(async () => world.git('ls-tree', '--name-only', branch), { timeout: 60_000, interval: 200 })
    .toContain('second.txt');
  await alice.merge(REPO, number, 'squash');
  const merged = await world.git('rev-parse', branch);
  const state = await ended(world, 2, thread);
  const tip = await world.git('rev-parse', branch);
  expect(await world.git('rev-list', `${merged}..${tip}`)).toBe(tip);
  const comment = state.comments.find(
    ({ issue, body }) => issue === thread && body.includes('<!-- choo:run') && body.includes('failed'),
  );
  const text = comment?.body.replaceAll(/[\\\u200b]/g, '');
  expect(text).toContain(`#${number} was merged while it was worked on`);
  expect(text).toContain(tip.slice(0, 12));
  expect(await world.git('ls-tree', '--name-only', tip)).not.toContain('fourth.txt');
  // Retried, what was merged counts, and no agent starts: the text says so.
  expect(text).toContain('takes what was merged for all of it');
  await alice.comment(REPO, thread, '/choo retry e-one');
  const again = await ended(world, 3, thread);
  const end = again.comments.findLast(({ body }) => body.includes('<!-- choo:end'))?.body;
  expect(end).toContain('is complete');
  expect(await world.git('rev-parse', branch)).toBe(tip);
});

test('where there are no drafts the check says what to merge first, also after a restart', async () => {
  const stack = { 'p-one': writes('p-one'), 'p-two': { ...writes('p-two'), dependsOn: ['p-one'] } };
  await runUnits('plain', stack, PLAIN);
  const branch = 'choo/unit/plain/p-two';
  const until = untilOf(world.github, PLAIN);
  const conclusion = (now: State) => checkAt(now, 'p-two', pullOf(now, branch)?.head.sha)?.conclusion;
  expect(conclusion(await until('the check', (now) => conclusion(now) === 'action_required'))).toBe(
    'action_required',
  );
  await world.kill();
  const { length } = world.github.requests;
  server = await world.start();
  await until('the sweep', () =>
    world.github.requests
      .slice(length)
      .some(({ path, body }) => path === '/graphql' && JSON.stringify(body).includes('Draft')),
  );
  await quiet(world);
  expect(conclusion(await world.github.state(PLAIN))).toBe('action_required');
  const below = pullOf(await world.github.state(PLAIN), 'choo/unit/plain/p-one')?.number ?? 0;
  await world.github.as('alice').merge(PLAIN, below, 'squash');
  await until('the second to be ready', (now) => conclusion(now) === 'success');
});
