import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, planned, quiet } from '../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../helpers/app-world.ts';

/** A gate that is red after the first attempt and green after the second. */
const RED_ONCE = {
  gate: '"test $(cat core.done) -ge 2"',
  sh: 'n=$(cat core.done 2>/dev/null || echo 0); echo $((n + 1)) > core.done; sleep 0.5',
};
const write = (file: string) => ({ gate: `test -f ${file}`, sh: `sleep 0.5; echo ${file} > ${file}` });

/** Four units in three waves; one of them has a gate that nothing makes green. */
const PROJECT = {
  config: 'limits: { attempts: 6 }\npull_requests: { labels: [generated] }\n',
  units: {
    core: { tasks: [RED_ONCE] },
    docs: { tasks: [write('docs.txt'), { gate: 'test -f never.txt', sh: 'echo x > other.txt' }] },
    api: { dependsOn: ['core'], tasks: [write('api-1.txt'), write('api-2.txt')] },
    cli: { dependsOn: ['api'], tasks: [write('cli.txt')] },
  },
};

const PULLS = [
  ['choo/unit/main/api', 'choo/unit/main/core', 'open', true],
  ['choo/unit/main/cli', 'choo/unit/main/api', 'open', true],
  ['choo/unit/main/core', 'main', 'open', false],
  ['choo/unit/main/docs', 'main', 'open', true],
];

describe('an App that is killed twice while it carries out a run', () => {
  let world: AppWorld;
  /** The thread that the run was asked for on, the commit it is of, and what there is when it has ended. */
  let [issue, commit] = [0, ''];
  let before: State;

  beforeAll(async () => {
    world = await makeAppWorld(PROJECT);
    const { github } = world;
    const alice = github.as('alice');
    const first = await world.start();
    commit = await world.push('alice', 'main', {
      'README.md': 'Widgets.',
      'specs/tasks/core/note.md': 'Mind.',
    });
    await planned(world, commit);
    issue = await alice.createIssue(REPO, { title: 'Build it' });
    await alice.comment(REPO, issue, '/choo run');

    await world.until('a check that runs', ({ checks }) => checks.some(({ name }) => name === 'choo / core'));
    first.child.kill('SIGKILL');
    await first.child;
    const second = await world.start();
    await world.until('a pull request', ({ pulls }) => pulls.length > 0);
    second.child.kill('SIGKILL');
    await second.child;
    await world.start();
    github.redeliverFailed();
    await ended(world, 1);
    before = await quiet(world);
  });
  afterAll(async () => world[Symbol.asyncDispose]());

  test('makes one pull request a unit, on what it builds on: a draft until that is merged, or where it failed', async () => {
    expect(stacked(before)).toEqual(PULLS);
    expect(statusComments(before)).toHaveLength(1);
    expect(conclusions(before, commit)).toEqual({
      api: ['success', 'success'],
      cli: ['success', 'success'],
      core: ['success', 'success'],
      docs: ['failure', 'failure'],
    });
    expect(await gated(world, 'api')).toEqual(['1', '2']);
    expect(await gated(world, 'docs')).toEqual(['1']);
    for (const { head, labels, body } of before.pulls) {
      expect(before.refs[`refs/heads/${head.ref}`]).toBe(head.sha);
      expect(labels).toEqual(['generated']);
      expect(body).toContain('### How to give feedback');
    }
    // A text names what is below and above it, whichever pull request was opened first.
    const bodyOf = (unit: string) => before.pulls.find(({ head }) => head.ref.endsWith(`/${unit}`))?.body;
    const numbers = new Map(before.pulls.map(({ head, number }) => [head.ref.split('/').at(-1), number]));
    expect(bodyOf('api')).toContain(
      `- \`core\`: #${numbers.get('core')}\n- **\`api\`: this one**\n- \`cli\`: #${numbers.get('cli')}, builds on this one`,
    );
  });

  test('does nothing for deliveries that come again under other names', async () => {
    const { github } = world;
    for (const delivery of [...github.deliveries]) github.redeliver(delivery, { newGuid: true });
    const after = await quiet(world);
    expect(await world.server.rows('select count(*)::int as runs from runs')).toEqual([{ runs: 1 }]);
    expect(standing(after)).toEqual(standing(before));
    expect(after.comments.map(({ id }) => id)).toEqual(before.comments.map(({ id }) => id));
  });

  test('leaves as it is what does not depend on a spec that changed', async () => {
    const spec = await world.git('show', `${commit}:specs/tasks/api/01-step.md`);
    const better = await world.push('alice', 'main', {
      'specs/tasks/api/note.md': '# Also mind this\n',
      'specs/tasks/api/01-step.md': spec.replace('# Step 1', '# Better step 1'),
    });
    await planned(world, better);
    await world.github.as('alice').comment(REPO, issue, '/choo run core api cli');
    await ended(world, 2);
    expect(stacked(await quiet(world))).toEqual(PULLS);
    expect(await agentsOf(world, 1)).toEqual(['api', 'cli']);
    expect(await world.git('merge-base', '--is-ancestor', better, 'choo/unit/main/cli')).toBe('');
  });

  test('says of reused work which run did it, and on an older status comment which run is newer', async () => {
    const { comments, pulls } = await quiet(world);
    const runs = await world.server.rows(
      'select run from reports join events using (run) where events.seq = 1 order by events.at',
    );
    const [older, newer] = comments.filter(({ body }) => body.includes('<!-- choo:run'));
    const [first, second] = runs.map(({ run }) => String(run));
    const core = pulls.find(({ head }) => head.ref === 'choo/unit/main/core');
    expect(newer?.body).toContain(`| \`core\` | ✅ done before, in run \`${first}\`, #${core?.number} |`);
    expect(newer?.body).not.toContain('Overtaken');
    expect(older?.body).toMatch(
      new RegExp(String.raw`Overtaken by \[run ${second}\]\(\S+/issues/${issue}#issuecomment-${newer?.id}\)`),
    );
    // Who asked is called where something failed, once and first.
    const ends = comments.filter(({ body }) => body.includes('<!-- choo:end'));
    expect(ends.map(({ body }) => [...body.matchAll(/@alice/g)].map(({ index }) => index))).toEqual([
      [0],
      [],
    ]);
  });

  test('leaves a head alone that a person has committed to', async () => {
    const main = await world.git('rev-parse', 'main');
    const theirs = await world.push('alice', 'choo/unit/main/core', { 'by-hand.txt': 'mine' });
    await world.github.as('alice').comment(REPO, issue, '/choo run core');
    await ended(world, 3);
    const last = await quiet(world);
    expect(last.refs['refs/heads/choo/unit/main/core']).toBe(theirs);
    expect(await agentsOf(world, 2)).toEqual([]);
    const check = last.checks.find(({ name, head_sha }) => name === 'choo / core' && head_sha === main);
    expect(check?.conclusion).toBe('action_required');
    const end = last.comments.findLast(({ body }) => body.includes('<!-- choo:end'));
    expect(end?.body).toMatch(
      /^@alice \*\*❌ Run .*\n\n- ❌ `core` \(#\d+\) \*\*needs human\*\*: .*`\/choo retry [0-9a-z]{10} core --fresh` starts over/,
    );
  });
});

/** Everything but comments and what plans say: a plan that is made again says what is done by now. */
function standing({ checks, ...rest }: State): object {
  const told = checks.map(({ output, ...check }) =>
    check.name === 'choo / plan' ? check : { ...check, output },
  );
  return { ...rest, comments: [], checks: told };
}

function stacked({ pulls }: State): readonly (readonly unknown[])[] {
  const rows = pulls.map(({ head, base, state, draft }) => [head.ref, base.ref, state, draft] as const);
  return rows.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function statusComments({ comments }: State): readonly unknown[] {
  return comments.filter(({ body }) => body.includes('<!-- choo:run'));
}

/** By unit: how its checks ended on the run's commit and on its own head; each must be the only one there. */
function conclusions({ checks, refs }: State, commit: string): object {
  const units = Object.keys(PROJECT.units).toSorted();
  return Object.fromEntries(
    units.map((unit) => {
      const on = (sha: string | undefined) =>
        checks
          .filter(({ name, head_sha }) => name === `choo / ${unit}` && head_sha === sha)
          .map(({ conclusion }) => conclusion);
      return [unit, [...on(commit), ...on(refs[`refs/heads/choo/unit/main/${unit}`])]];
    }),
  );
}

/** The tasks of a unit that have a commit whose gate passed. */
async function gated(world: AppWorld, unit: string): Promise<readonly string[]> {
  const log = await world.git(
    'log',
    '--reverse',
    '--format=%(trailers:key=Choo-Unit,valueonly,separator=%x2C) %(trailers:key=Choo-Task,valueonly,separator=%x2C) %(trailers:key=Choo-Gate,valueonly,separator=%x2C)',
    `main..choo/unit/main/${unit}`,
  );
  return log
    .split('\n')
    .filter((line) => line.startsWith(`${unit} `) && line.includes('exit=0'))
    .map((line) => line.split(' ')[1] ?? '');
}

/** The units that an agent worked on, in the n-th run from 0. */
async function agentsOf(world: AppWorld, run: number): Promise<readonly unknown[]> {
  const rows = await world.server.rows(
    `select distinct unit from events where body->>'type' = 'task.provider.invoke' and run =
       (select run from events where seq = 1 order by at offset ${run} limit 1) order by unit`,
  );
  return rows.map(({ unit }) => unit);
}
