import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planned, quiet } from '../../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../../helpers/app-world.ts';
import { projectFiles } from '../../helpers/spec-project.ts';

const CONFIG = 'run_on: push\nrequire_review: true\n';
const ASKED = /^Nothing was (?:started|done)/;

/** The files of a unit; `file` is what its agent writes. */
const unit = (id: string, file = `${id}.txt`): Readonly<Record<string, string>> => {
  const task = { gate: `test -f ${file}`, sh: `echo > ${file}` };
  const { '.choo.yml': _, ...files } = projectFiles({ units: { [id]: { tasks: [task] } } });
  return files;
};
const gone = (files: Readonly<Record<string, string>>): Readonly<Record<string, null>> =>
  Object.fromEntries(Object.keys(files).map((path) => [path, null]));

const answersOn = ({ comments }: State, issue: number): readonly string[] =>
  comments
    .filter((each) => each.issue === issue && each.user === 'choo[bot]' && ASKED.test(each.body))
    .map(({ body }) => body);
const planOf = ({ checks }: State, sha: string) =>
  checks.find(({ name, head_sha }) => name === 'choo / plan' && head_sha === sha);
const hasPull = ({ pulls }: State, branch: string): boolean => pulls.some(({ head }) => head.ref === branch);

describe('specs that must be reviewed', { timeout: 600_000 }, () => {
  let world: AppWorld;
  beforeAll(async () => {
    world = await makeAppWorld(
      {
        units: { old: { tasks: [{ gate: 'true', sh: 'true', status: 'complete' }] } },
        config: CONFIG,
      },
      { collaborators: { alice: 'write', mallory: 'write', reader: 'read' } },
    );
    await world.start();
  });
  afterAll(async () => world[Symbol.asyncDispose]());

  const runs = async (): Promise<number> => (await world.server.rows('select id from runs')).length;

  /** A pull request of alice's that brings a unit, planned. */
  async function bring(id: string, files = unit(id)): Promise<{ number: number; head: string }> {
    const head = await world.github.as('alice').push(REPO, id, { from: 'main', files });
    const number = await world.github.as('alice').openPull(REPO, { head: id, base: 'main', title: id });
    await planned(world, head);
    return { number, head };
  }

  /** Asks, and waits for the refusal on the thread. */
  async function refused(issue: number, ask: () => unknown): Promise<string> {
    const before = [await quiet(world), await runs()] as const;
    const { length } = answersOn(before[0], issue);
    await ask();
    const state = await world.until('a refusal', (now) => answersOn(now, issue).length > length, 240_000);
    await quiet(world);
    expect(await runs()).toBe(before[1]);
    return answersOn(state, issue).at(-1) ?? '';
  }

  /** Merges a pull request, and waits until its unit has one of its own. */
  async function runsAfter(act: () => Promise<unknown>, id: string): Promise<void> {
    await act();
    await world.until(
      `the pull request of ${id}`,
      (state) => hasPull(state, `choo/unit/main/${id}`),
      240_000,
    );
    await quiet(world);
  }

  test('an open pull request that is not approved starts nothing, by label, comment or button', async () => {
    const alice = world.github.as('alice');
    const { number, head } = await bring('unread');
    await world.until('the plan', ({ comments }) =>
      comments.some(({ issue, body }) => issue === number && body.includes(head.slice(0, 12))),
    );
    const text = `brought: pull request ${number} is not approved. Ask again once somebody else`;
    expect(await refused(number, () => alice.label(REPO, number, 'choo:run'))).toContain(text);
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // GitHub's times are whole seconds
    expect(await refused(number, () => alice.comment(REPO, number, '/choo run'))).toContain(text);
    const button = planOf(await world.github.state(REPO), head)?.id ?? 0;
    expect(await refused(number, () => alice.pressButton(REPO, button, 'run'))).toContain(text);
  });

  test('only somebody who may push, and neither wrote nor pushed it last, approves it', async () => {
    const { github } = world;
    const [alice, mallory, team] = [github.as('alice'), github.as('mallory'), github.as('team')];
    const { number } = await bring('judged');
    const label = async (): Promise<string> => refused(number, () => alice.label(REPO, number, 'choo:run'));
    await expect(alice.review(REPO, number, { event: 'APPROVE' })).rejects.toThrow(/your own/);

    await github.as('reader').review(REPO, number, { event: 'APPROVE' });
    expect(await label()).toContain(
      `nobody who approved pull request ${number} may push to this repository.`,
    );

    await mallory.review(REPO, number, { event: 'APPROVE' });
    const pushed = await alice.push(REPO, 'judged', { files: { 'more.md': 'More.\n' } });
    const last = `its last commit, ${pushed.slice(0, 12)}`;
    expect(await label()).toContain(
      `pull request ${number} was approved at an older commit, not at ${last}.`,
    );

    const own = await mallory.push(REPO, 'judged', { files: { 'more.md': 'Much more.\n' } });
    await mallory.review(REPO, number, { event: 'APPROVE' });
    expect(await label()).toContain(
      `only who pushed its last commit, ${own.slice(0, 12)}, approved pull request ${number}.`,
    );

    const counted = await team.review(REPO, number, { event: 'APPROVE' });
    await team.dismiss(REPO, number, counted, 'Wait.');
    expect(await label()).toContain(
      `only who pushed its last commit, ${own.slice(0, 12)}, approved pull request ${number}.`,
    );
    github.setDismissal(REPO, true);
    await alice.push(REPO, 'judged', { files: { 'more.md': 'Less.\n' } });
    github.setDismissal(REPO, false);
    expect(await label()).toContain(`the approval of pull request ${number} was dismissed.`);

    await mallory.review(REPO, number, { event: 'APPROVE' });
    await alice.label(REPO, number, 'choo:run');
    await world.until('its unit', (state) => hasPull(state, 'choo/unit/judged/judged'), 240_000);
  });

  test('of a head that no delivery told of, the approval does not count', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const { number } = await bring('unknown');
    await quiet(world);
    github.deliverTo(undefined);
    const head = await alice.push(REPO, 'unknown', { files: { 'lost.md': 'Lost.\n' } });
    github.loseWaiting();
    world.deliver();
    await github.as('mallory').review(REPO, number, { event: 'APPROVE' });
    expect(await refused(number, () => alice.label(REPO, number, 'choo:run'))).toContain(
      `nobody knows who pushed the last commit of pull request ${number}, ${head.slice(0, 12)}, so its approval does not count.`,
    );
  });

  test('a merge of an approved pull request runs by itself, by whatever method', async () => {
    const { github } = world;
    for (const method of ['merge', 'squash', 'rebase'] as const) {
      const id = `by-${method}`;
      await world.github.as('alice').push(REPO, id, { from: 'main', files: unit(`${id}-first`) });
      const { number } = await (async () => {
        const head = await github.as('alice').push(REPO, id, { files: unit(id) });
        const opened = await github.as('alice').openPull(REPO, { head: id, base: 'main', title: id });
        await planned(world, head);
        return { number: opened };
      })();
      await github.as('mallory').review(REPO, number, { event: 'APPROVE' });
      await quiet(world);
      await runsAfter(() => github.as('alice').merge(REPO, number, method), id);
      expect(hasPull(await github.state(REPO), `choo/unit/main/${id}-first`)).toBe(true);
    }
    const unread = await bring('merged-unread');
    const before = await runs();
    const merge = await github.as('alice').merge(REPO, unread.number, 'squash');
    const state = await world.until(
      'the refusal in the check',
      (now) =>
        planOf(now, merge)?.output.summary?.includes(`pull request ${unread.number} is not approved`) ===
        true,
      240_000,
    );
    expect(planOf(state, merge)?.output.summary).toMatch(/^Nothing was started: /);
    await quiet(world);
    expect(await runs()).toBe(before);
    // Taken back, what was approved before runs again.
    await github.as('alice').push(REPO, 'main', { files: gone(unit('merged-unread')) });
    await quiet(world);
  });

  test('what was pushed directly runs in no way, not even below an approved pull request', async () => {
    const { github } = world;
    const [alice, mallory] = [github.as('alice'), github.as('mallory')];
    const evil = unit('evil', 'evil.txt');
    const before = await runs();
    const direct = await mallory.push(REPO, 'main', { files: evil });
    const text = `${direct.slice(0, 12)} was pushed directly to \`main\`.`;
    const told = await world.until(
      'the refusal in the check',
      (state) => planOf(state, direct)?.output.summary?.includes(text) === true,
      240_000,
    );
    const issue = await alice.createIssue(REPO, { title: 'Please' });
    expect(await refused(issue, () => alice.label(REPO, issue, 'choo:run'))).toContain(text);
    expect(await refused(issue, () => alice.comment(REPO, issue, '/choo run evil'))).toContain(text);
    mallory.pressButton(REPO, planOf(told, direct)?.id ?? 0, 'run');
    await world.until(
      'the answer in the check',
      (state) => planOf(state, direct)?.output.title === 'Nothing was done',
      240_000,
    );
    // On top of it an approved pull request, open and merged.
    const { number } = await bring('on-top');
    await alice.review(REPO, number, { event: 'COMMENT', body: 'Hm.' });
    await mallory.review(REPO, number, { event: 'APPROVE' });
    expect(await refused(number, () => alice.label(REPO, number, 'choo:run'))).toContain(text);
    const merge = await mallory.merge(REPO, number);
    await world.until(
      'the refusal of the merge',
      (state) => planOf(state, merge)?.output.summary?.includes(text) === true,
      240_000,
    );
    expect(await runs()).toBe(before);
    await alice.push(REPO, 'main', { files: { ...gone(evil), ...gone(unit('on-top')) } });
    await quiet(world);
  });

  test('a merge that says something else than what was approved is none', async () => {
    const { github } = world;
    const mallory = github.as('mallory');
    const { number } = await bring('twisted');
    await github.as('team').review(REPO, number, { event: 'APPROVE' });
    await quiet(world);
    const before = await runs();
    const files = { ...unit('twisted'), ...unit('smuggled') };
    const merge = await mallory.push(REPO, 'main', { merge: 'twisted', files });
    const text = `what \`main\` got with ${merge.slice(0, 12)} is not what was approved in pull request ${number}.`;
    await world.until(
      'the refusal',
      (state) => planOf(state, merge)?.output.summary?.includes(text) === true,
      240_000,
    );
    await quiet(world);
    expect(await runs()).toBe(before);
    await mallory.push(REPO, 'main', { files: gone(files) });
    await quiet(world);
  });

  test('nobody turns it off alone', async () => {
    const { github } = world;
    const [alice, mallory] = [github.as('alice'), github.as('mallory')];
    const off = { '.choo.yml': 'run_on: push\nprovider:\n  type: rehearsal\n' };
    const before = await runs();
    const bad = await mallory.push(REPO, 'main', { files: { ...off, ...unit('freed') } });
    const state = await world.until(
      'the refusal',
      (now) => planOf(now, bad)?.output.summary?.includes('nobody reviewed that') === true,
      240_000,
    );
    expect(planOf(state, bad)?.output.summary).toContain(
      `any more, but nobody reviewed that: ${bad.slice(0, 12)} was pushed directly to \`main\`.`,
    );
    // Nor from a branch, whose configuration does not count.
    const { number } = await bring('off-branch', { ...off, ...unit('off-branch') });
    expect(await refused(number, () => mallory.label(REPO, number, 'choo:run'))).toContain(
      'nobody reviewed that',
    );
    await quiet(world);
    expect(await runs()).toBe(before);

    // Reviewed, it is off.
    const on = { '.choo.yml': `provider:\n  type: rehearsal\n${CONFIG}` };
    await alice.push(REPO, 'main', { files: { ...on, ...gone(unit('freed')) } });
    const { number: agreed } = await bring('agreed', off);
    await mallory.review(REPO, agreed, { event: 'APPROVE' });
    await quiet(world);
    await alice.merge(REPO, agreed);
    await quiet(world);
    await runsAfter(() => mallory.push(REPO, 'main', { files: unit('free') }), 'free');
    expect(await world.server.rows('select * from review_starts')).toEqual([]);
  });
});
