import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, planned, quiet, seen } from '../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../helpers/app-world.ts';
import { projectFiles } from '../helpers/spec-project.ts';

const write = (file: string) => ({ gate: `test -f ${file}`, sh: `echo ${file} > ${file}` });

/** The files of more units, for a branch that brings them. */
const unit = (
  id: string,
  dependsOn: readonly string[] = [],
  gate?: string,
): Readonly<Record<string, string>> => {
  const task = gate === undefined ? write(`${id}.txt`) : { gate, sh: `echo ${id} > ${id}.txt` };
  const { '.choo.yml': _, ...files } = projectFiles({ units: { [id]: { dependsOn, tasks: [task] } } });
  return files;
};

const pullOf = ({ pulls }: State, branch: string) =>
  pulls
    .filter(({ head }) => head.ref === branch)
    .map(({ number, base, draft, state }) => ({ number, base: base.ref, draft, state }));
const comments = ({ comments }: State, issue: number) =>
  comments.filter((each) => each.issue === issue && each.user === 'choo[bot]').map(({ body }) => body);

describe('what people can ask for', () => {
  let world: AppWorld;
  beforeAll(async () => {
    world = await makeAppWorld({ units: { old: { tasks: [{ ...write('old.txt'), status: 'complete' }] } } });
    await world.start();
  });
  afterAll(async () => world[Symbol.asyncDispose]());

  test('a pull request is planned, runs by a label what it changes, and its stack follows merges', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const head = await world.push('alice', 'feature', { ...unit('one'), ...unit('two', ['one']) });
    const pull = await alice.openPull(REPO, { head: 'feature', base: 'main', title: 'Two units' });
    await planned(world, head);
    await seen(world, pull);
    await alice.label(REPO, pull, 'choo:run');
    const done = await ended(world, 1, pull);
    expect(done.pulls.find(({ number }) => number === pull)?.labels).toEqual([]);
    const [one] = pullOf(done, 'choo/unit/feature/one');
    expect(one).toMatchObject({ base: 'feature', draft: false });
    expect(pullOf(done, 'choo/unit/feature/two')).toMatchObject([
      { base: 'choo/unit/feature/one', draft: true },
    ]);
    expect(pullOf(done, 'choo/unit/feature/old')).toEqual([]);

    await alice.merge(REPO, one?.number ?? 0);
    await world.until(
      'the stack to follow',
      (state) => pullOf(state, 'choo/unit/feature/two')[0]?.draft === false,
    );
    expect(pullOf(await quiet(world), 'choo/unit/feature/two')).toMatchObject([
      { base: 'feature', draft: false },
    ]);
  });

  test('a unit that was rejected stays so until it is retried', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const head = await world.push('alice', 'main', unit('rejected'));
    await planned(world, head);
    const issue = await alice.createIssue(REPO, { title: 'Rejected' });
    await alice.comment(REPO, issue, '/choo run rejected');
    const [pull] = pullOf(await ended(world, 1, issue), 'choo/unit/main/rejected');
    await alice.close(REPO, pull?.number ?? 0);
    await quiet(world);
    await alice.comment(REPO, issue, '/choo run rejected');
    const after = await ended(world, 2, issue);
    expect(pullOf(after, 'choo/unit/main/rejected')).toMatchObject([{ state: 'closed' }]);
    await alice.comment(REPO, issue, '/choo retry rejected');
    const again = await ended(world, 3, issue);
    const pulls = pullOf(again, 'choo/unit/main/rejected');
    expect(pulls).toMatchObject([{ state: 'closed' }, { state: 'open' }]);
    // On the pull request of a unit there is nothing to plan.
    const own = pulls.at(-1)?.number ?? 0;
    await alice.comment(REPO, own, '/choo plan');
    expect(comments(await quiet(world), own).join('\n')).toContain(
      'This pull request is the result of one unit: run and plan where the specs are. ' +
        'Here I know status, cancel, retry, skip, update, fix and help.',
    );
  });

  test('the buttons of checks run a plan and retry a unit', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const head = await world.push('alice', 'buttons', unit('flaky', [], 'test -f helped.txt'));
    const { checks } = await planned(world, head);
    const plan = checks.find(({ name, head_sha }) => name === 'choo / plan' && head_sha === head);
    alice.pressButton(REPO, plan?.id ?? 0, 'run');
    const failed = await world.until('the unit to fail', (state) =>
      state.checks.some(({ name, conclusion }) => name === 'choo / flaky' && conclusion === 'failure'),
    );
    const status = await quiet(world);
    // Without a thread the check of the plan says how it went.
    expect(status.checks.find(({ id }) => id === plan?.id)).toMatchObject({
      conclusion: 'failure',
      head_sha: head,
    });
    const check = failed.checks.find(({ name }) => name === 'choo / flaky');
    const [before] = await world.server.rows(
      `select count(*)::int as n from events where unit = 'flaky' and body->>'type' = 'unit.retried'`,
    );
    expect(before).toEqual({ n: 0 });
    alice.pressButton(REPO, check?.id ?? 0, 'retry');
    await quiet(world);
    const [after] = await world.server.rows(
      `select count(*)::int as n from events where unit = 'flaky' and body->>'type' = 'unit.retried'`,
    );
    expect(after).toEqual({ n: 1 });
  });

  test('a held thread starts nothing; cancel and skip do what they say', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const slow = { gate: 'test -f slow.txt', sh: 'sleep 30; echo > slow.txt' };
    const { '.choo.yml': _, ...files } = projectFiles({
      units: { slow: { tasks: [slow] }, after: { dependsOn: ['slow'], tasks: [write('after.txt')] } },
    });
    const head = await world.push('alice', 'held', files);
    const issue = await alice.openPull(REPO, { head: 'held', base: 'main', title: 'Slow' });
    await planned(world, head);
    await seen(world, issue);
    await alice.label(REPO, issue, 'choo:hold');
    await alice.comment(REPO, issue, '/choo run slow after');
    await world.until('a refusal', ({ comments }) =>
      comments.some((each) => each.issue === issue && each.body.includes('choo:hold')),
    );
    await alice.unlabel(REPO, issue, 'choo:hold');
    await alice.comment(REPO, issue, '/choo run slow after');
    await world.until('the unit to run', ({ checks }) =>
      checks.some(({ name, status }) => name === 'choo / slow' && status === 'in_progress'),
    );
    await alice.comment(REPO, issue, '/choo skip slow');
    const state = await ended(world, 1, issue);
    expect(pullOf(state, 'choo/unit/held/after')).toMatchObject([{ base: 'held', draft: false }]);
    expect(pullOf(state, 'choo/unit/held/slow')).toEqual([]);
    const rows = await world.server.rows(
      `select id, state from units where id in ('slow', 'after') order by id`,
    );
    expect(rows).toEqual([
      { id: 'after', state: 'complete' },
      { id: 'slow', state: 'skipped' },
    ]);
  });

  test('a run goes on when its pull request is merged, and its results go where that went', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const slow = { gate: 'test -f slowly.txt', sh: 'sleep 4; echo > slowly.txt' };
    const { '.choo.yml': _, ...files } = projectFiles({
      units: {
        early: { tasks: [write('early.txt')] },
        late: { dependsOn: ['early'], tasks: [slow] },
        latest: { dependsOn: ['late'], tasks: [write('latest.txt')] },
      },
    });
    const head = await world.push('alice', 'merging', files);
    const pull = await alice.openPull(REPO, { head: 'merging', base: 'main', title: 'Merging' });
    await planned(world, head);
    await alice.label(REPO, pull, 'choo:run');
    await world.until('the first to be done', (state) => pullOf(state, 'choo/unit/merging/early').length > 0);
    await alice.merge(REPO, pull);
    await alice.deleteBranch(REPO, 'merging');
    const state = await ended(world, 1, pull);
    await quiet(world);
    expect(pullOf(state, 'choo/unit/merging/early')).toMatchObject([
      { base: 'main', draft: false, state: 'open' },
    ]);
    const [row] = await world.server.rows(`select runs.target, count(*)::int as records from runs
      join records on records.repository = runs.repository and records.target = 'main' and body->>'run' = runs.id
      where status = 'complete' and records.unit in ('early', 'late', 'latest') group by runs.id`);
    expect(row).toEqual({ target: 'main', records: 3 });
    const last = pullOf(state, 'choo/unit/main/latest');
    expect(last).toMatchObject([{ draft: true, state: 'open' }]);
    // Asked again on main, nothing is done twice.
    const issue = await alice.createIssue(REPO, { title: 'Again' });
    await alice.comment(REPO, issue, '/choo run early late latest');
    await ended(world, 1, issue);
    const [again] = await world.server.rows(
      `select count(*)::int as agents from events where body->>'type' = 'task.provider.invoke' and run = (select run from reports where thread = ${issue})`,
    );
    expect(again).toEqual({ agents: 0 });
  });

  test('a GitHub that answers badly is told everything in the end, once', async () => {
    const { github } = world;
    const alice = github.as('alice');
    await planned(world, await world.push('alice', 'main', unit('patient')));
    const issue = await alice.createIssue(REPO, { title: 'Patience' });
    const path = new RegExp(`/issues/${issue}/comments$`);
    // Done, and the answer lost; then not well at all; then too much at once.
    github.fail({ method: 'POST', path, times: 1 }, 'lost');
    github.fail({ method: 'POST', path: /check-runs$/, times: 1 }, 'lost');
    github.fail({ method: 'POST', path: /\/pulls$/, times: 1 }, 'lost');
    github.fail({ method: 'PATCH', path: /check-runs/, times: 1 }, { status: 502 });
    github.fail(
      { method: 'PATCH', path: /comments/, times: 1 },
      { status: 403, headers: { 'retry-after': '1' } },
    );
    github.expireTokens();
    await alice.comment(REPO, issue, '/choo run patient');
    await ended(world, 1, issue);
    const state = await quiet(world);
    const said = comments(state, issue);
    expect(said.filter((body) => body.includes('choo:run'))).toHaveLength(1);
    expect(said.filter((body) => body.includes('choo:end'))).toHaveLength(1);
    expect(pullOf(state, 'choo/unit/main/patient')).toMatchObject([{ base: 'main', state: 'open' }]);
    const checks = state.checks.filter(({ name }) => name === 'choo / patient');
    expect(checks.map(({ conclusion }) => conclusion)).toEqual(['success', 'success']);
    expect(new Set(checks.map(({ head_sha }) => head_sha)).size).toBe(2);
  });

  test('a broken configuration opens an issue, the last good one holds, and mending it closes the issue', async () => {
    const { github } = world;
    const broken = await world.push('alice', 'main', {
      '.choo.yml': 'paralelism: 3\nprovider: { type: rehearsal }\n',
    });
    const told = await world.until('an issue', ({ issues }) =>
      issues.some(({ title, state }) => title.includes('configuration') && state === 'open'),
    );
    const plan = (await planned(world, broken)).checks.find(
      ({ name, head_sha }) => name === 'choo / plan' && head_sha === broken,
    );
    expect(plan?.annotations).toMatchObject([{ path: '.choo.yml', start_line: 1 }]);
    expect(plan?.output.summary).toContain('choo uses the last one without errors');
    await world.push('alice', 'main', { '.choo.yml': 'parallelism: 3\nprovider: { type: rehearsal }\n' });
    const number = told.issues.find(({ title }) => title.includes('configuration'))?.number;
    await world.until('the issue to close', ({ issues }) =>
      issues.some((each) => each.number === number && each.state === 'closed'),
    );
    expect(github.violations).toEqual([]);
  });

  test('branches that change the same unit are named in both plans, before anything ran', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const one = await world.push('alice', 'twice-one', unit('twice', [], 'test -f twice.txt'));
    const first = await alice.openPull(REPO, { head: 'twice-one', base: 'main', title: 'One' });
    await planned(world, one);
    // Nothing of a branch that only follows the default branch, or that has the same, or that builds on it.
    await world.push('alice', 'twice-same', {}, { from: 'twice-one' });
    await world.push('alice', 'twice-above', unit('twice', [], 'test -s twice.txt'), { from: 'twice-one' });
    const other = await world.push('alice', 'twice-two', unit('twice', [], 'grep -q . twice.txt'));
    const second = await alice.openPull(REPO, { head: 'twice-two', base: 'main', title: 'Two' });
    await planned(world, other);
    await seen(world, second);
    const shown = (state: State, pull: number): string =>
      state.comments.find(({ issue, body }) => issue === pull && body.includes('<!-- choo:plan'))?.body ?? '';
    const late = await quiet(world);
    expect(shown(late, second)).toContain(
      '- `twice` is changed on `twice-one`, too: what is merged last will conflict.',
    );
    expect(shown(late, second)).toMatch(/\| `twice` \| A unit \| run; collides with `twice-/);
    expect(shown(late, first)).not.toContain('collides');
    await alice.comment(REPO, first, '/choo plan');
    const again = await world.until(
      'the new plan',
      (state) => shown(state, first).includes('collides'),
      240_000,
    );
    expect(shown(again, first)).toContain('- `twice` is changed on `twice-two`, too');
    expect(shown(again, first)).not.toMatch(/twice-(?:same|above)`, too/);
    expect(await world.server.rows(`select from units where id = 'twice'`)).toEqual([]);
  });

  test('a push runs by itself where the repository wants that', async () => {
    await world.push('alice', 'main', { '.choo.yml': 'run_on: push\nprovider: { type: rehearsal }\n' });
    await quiet(world);
    const head = await world.push('alice', 'main', unit('pushed'));
    const state = await world.until(
      'its pull request',
      (state) => pullOf(state, 'choo/unit/main/pushed').length > 0,
    );
    expect(state.refs['refs/heads/main']).toBe(head);
    await quiet(world);
  });

  test('a repository that choo is taken off has its runs cancelled', async () => {
    const { github } = world;
    const slow = { gate: 'test -f slow.txt', sh: 'sleep 30; echo > slow.txt' };
    const { '.choo.yml': _, ...files } = projectFiles({ units: { last: { tasks: [slow] } } });
    await world.push('alice', 'main', files);
    await world.until('the unit to run', ({ checks }) =>
      checks.some(({ name, status }) => name === 'choo / last' && status === 'in_progress'),
    );
    github.removeRepository(REPO);
    await github.settled();
    for (;;) {
      const [row] = await world.server.rows(`select status from runs order by last_at desc limit 1`);
      if (row?.['status'] === 'cancelled') break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await world.server.rows('select removed_at is not null as lost from github_repositories')).toEqual(
      [{ lost: true }],
    );
  });
});
