import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReviewRequest } from '../../../src/events/review-request.ts';
import type { UpdateRequest } from '../../../src/orchestrator/server/submit-update.ts';
import { commitFiles, git } from '../../helpers/git-repository.ts';
import { openUpdateWorld, type UpdateWorld } from '../../helpers/update-world.ts';

const FILES = { 'shared.txt': 'one\ntwo\nthree\n', 'check.sh': 'test -e "$1"\n', 'play.sh': 'exit 1\n' };
/** Their plans play whatever `play.sh` holds when an agent works on the whole unit. */
const UNITS = {
  api: {
    sh: 'sh ./play.sh',
    tasks: [{ gate: 'sh check.sh a.txt', sh: "echo a > a.txt; sed -i 's/^two$/unit/' shared.txt" }],
  },
  web: { sh: 'sh ./play.sh', tasks: [{ gate: 'sh check.sh w.txt', sh: 'echo w > w.txt' }] },
};
const RESOLVE = { kind: 'resolve' } as const;
const RESOLVED = "printf 'one\\nboth\\nthree\\n' > shared.txt";

/** A remote whose `main` has the specs, and agents that play. Its tests go on from each other's heads. */
let world: UpdateWorld;
/** What `api` stands on. */
let since: string;
beforeAll(async () => {
  world = await openUpdateWorld({ units: UNITS, files: FILES });
  since = world.specs;
  await world.person('main', async (at) => {
    await git(at, 'merge', '--quiet', '--squash', 'origin/specs');
    await git(at, 'commit', '--quiet', '--message=specs');
  });
  world.allowAgents(true);
});
afterAll(async () => world[Symbol.asyncDispose]());

let count = 0;
/** A commit on `main` that conflicts with `api`. */
async function meet(play: string, files: Readonly<Record<string, string>> = {}) {
  count += 1;
  const clash = { 'shared.txt': `one\ntarget ${count}\nthree\n`, 'play.sh': play };
  return world.person('main', async (at) => commitFiles(at, { ...clash, ...files }));
}

/** Resolves the conflict of the head of `api` with a commit. */
async function resolve(commit: string, more: Partial<UpdateRequest> = {}) {
  const head = await world.unitHead('api');
  const onto = { commit, since, builtOn: {} };
  const found = await world.update({ unit: 'api', head, onto, work: RESOLVE, ...more });
  const types = (await world.events(found?.run ?? '')).map(({ type }) => type);
  if (found?.status === 'complete') since = commit;
  return { head, found, types, starts: types.filter((type) => type === 'task.provider.invoke').length };
}

describe('an agent that resolves a conflict', () => {
  test('makes a merge of both sides, which is pushed when its gates have passed', async () => {
    const commit = await meet(
      `grep -q '^<<<<<<<' shared.txt && ${RESOLVED}; echo 'exit 0' > check.sh; test "$CHOO_REHEARSAL" = resolve`,
    );
    const { head, found, types, starts } = await resolve(commit);
    expect(found).toMatchObject({ status: 'complete', failure: null });
    const to = await world.unitHead('api');
    expect(found?.result).toEqual({ to, same: false, files: ['shared.txt'] });
    expect(await world.git('log', '-1', '--format=%P|%s', to)).toBe(
      `${head} ${commit}|Bring api up to date with \`main\``,
    );
    expect(await world.git('show', `${to}:shared.txt`)).toBe('one\nboth\nthree');
    expect(await world.git('show', `${to}:check.sh`)).toBe(FILES['check.sh'].trim());
    expect(await world.record('api')).toMatchObject({ base: commit, head: to, verified: true });
    expect(starts).toBe(1);
    expect(types.indexOf('verify.ok')).toBeLessThan(types.indexOf('branch.pushed'));
  });

  test.each([
    ['an agent is known to have ended', 'task.provider.done', 'failed'],
    ['its gates run', 'verify.started', 'complete'],
    ['its push is recorded', 'branch.pushed', 'complete'],
  ])('is started once, though a claim dies before %s', async (_, type, status) => {
    const commit = await meet(`printf 'one\\nboth, ${type}\\nthree\\n' > shared.txt`);
    let kills = 0;
    world.onReport((events) => {
      if (kills > 0 || !events.some((event) => event.type === type)) return;
      kills += 1;
      throw new Error('killed');
    });
    const { head, found, starts } = await resolve(commit);
    expect({ kills, starts, status: found?.status }).toEqual({ kills: 1, starts: 1, status });
    const to = status === 'complete' ? found?.result?.to : head;
    expect(await world.unitHead('api')).toBe(to);
  });

  test.each([
    ['conflict markers', "sed -i '/^<<<<<<</d' shared.txt", 'conflict', 'conflict markers are left'],
    ['a red gate', `${RESOLVED}; rm a.txt`, 'verify', 'the gate of task 1 is red'],
    ['what is not committed', `${RESOLVED}; ln -s /etc x`, 'attempts', 'a link out of the repository'],
  ])('pushes nothing that has %s', async (_, play, failure, message) => {
    const before = await world.record('api');
    const { head, found } = await resolve(await meet(play));
    expect(found).toMatchObject({
      ...{ status: 'failed', result: null },
      failure: { failure, message: expect.stringContaining(message) },
    });
    expect(await world.unitHead('api')).toBe(head);
    expect(await world.record('api')).toEqual(before);
  });

  test('is not started for a file that it may not change, or where nothing conflicts', async () => {
    const commit = await meet('exit 1', { 'check.sh': 'test -s "$1"\n' });
    const head = await world.person(world.branch('api'), async (at) =>
      commitFiles(at, { 'check.sh': 'test -e "$1" || false\n' }),
    );
    const refused = await resolve(commit);
    expect(refused.found?.failure).toMatchObject({
      ...{ failure: 'conflict', message: expect.stringContaining('only a person may merge `check.sh`') },
    });
    const merged = await resolve(since);
    expect(merged.found).toMatchObject({ status: 'complete', result: { to: head } });
    expect([refused.starts, merged.starts]).toEqual([0, 0]);
  });
});

const COMMENTS = [{ author: 'rev', body: 'Please.' }];
const ROUND: ReviewRequest = {
  ...{ round: '7', words: 'Two points.', checks: [] },
  threads: ['t1', 't2'].map((id) => ({
    ...{ id, path: 'w.txt', line: 1, hunk: '@@ -0,0 +1 @@\n+w', comments: COMMENTS },
  })),
};

/** A review of the head of `web`, on which a person changed what the agent plays. */
async function review(play: string) {
  world.freeze(ROUND);
  const head = await world.person(world.branch('web'), async (at) => commitFiles(at, { 'play.sh': play }));
  const work = { kind: 'review', round: '7' } as const;
  const found = await world.update({ unit: 'web', head, onto: null, work });
  const events = await world.events(found?.run ?? '');
  const answered = events.flatMap((event) => (event.type === 'unit.answered' ? [event] : []));
  return { head, found, types: events.map(({ type }) => type), answered };
}

const answer = (...answers: readonly object[]): string =>
  `printf '%s' '${JSON.stringify({ answers, summary: 'Done.' })}' > "$CHOO_ANSWERS"`;

describe('an agent that works on a review', () => {
  test('is pushed when the gates have passed, and each thread has an answer', async () => {
    const answers = answer({ thread: 't1', kind: 'fixed', text: 'Wrote it.' }, { thread: 'other' });
    const { head, found, types, answered } = await review(
      `echo better > w.txt; echo 'exit 0' > check.sh; ${answers}; test "$CHOO_REHEARSAL" = review`,
    );
    expect(found).toMatchObject({ status: 'complete', failure: null });
    const to = await world.unitHead('web');
    expect(await world.git('log', '-1', '--format=%P|%s', to)).toBe(`${head}|Answer the review of web`);
    expect(await world.git('diff', '--name-only', head, to)).toBe('w.txt');
    expect(await world.record('web')).toMatchObject({ base: world.specs, head: to, verified: true });
    expect(answered).toMatchObject([
      {
        answers: [
          { thread: 't1', kind: 'fixed', text: 'Wrote it.' },
          { thread: 't2', kind: 'question', text: expect.stringMatching(/^No answer was given\./) },
        ],
        summary: 'Done.',
      },
    ]);
    expect(types.indexOf('verify.ok')).toBeLessThan(types.indexOf('branch.pushed'));
    expect(types.indexOf('unit.answered')).toBeLessThan(types.indexOf('unit.completed'));
  });

  test('that changes nothing pushes nothing, and fixed nothing', async () => {
    const { head, found, answered } = await review(
      answer(
        { thread: 't1', kind: 'fixed', text: 'Did it.' },
        { thread: 't2', kind: 'question', text: 'Why?' },
      ),
    );
    expect(found).toMatchObject({ status: 'complete', result: null });
    expect(await world.unitHead('web')).toBe(head);
    expect(answered).toMatchObject([
      {
        answers: [
          { thread: 't1', kind: 'declined', text: expect.stringContaining('No file was changed') },
          { thread: 't2', kind: 'question', text: 'Why?' },
        ],
      },
    ]);
  });

  test('pushes nothing when a gate is red, and says why', async () => {
    const before = await world.record('web');
    const { head, found } = await review('rm w.txt');
    expect(found).toMatchObject({
      ...{ status: 'failed', result: null },
      failure: { failure: 'verify', message: expect.stringContaining('the gate of task 1 is red') },
    });
    expect(await world.unitHead('web')).toBe(head);
    expect(await world.record('web')).toEqual(before);
  });
});
