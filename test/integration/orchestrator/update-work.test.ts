import { describe, expect, test } from 'vitest';
import type { ReviewRequest } from '../../../src/events/review-request.ts';
import type { UpdateRequest } from '../../../src/orchestrator/server/submit-update.ts';
import { commitFiles, git } from '../../helpers/git-repository.ts';
import { openUpdateWorld, type UpdateWorld } from '../../helpers/update-world.ts';

const FILES = { 'shared.txt': 'one\ntwo\nthree\n', 'check.sh': 'test -e "$1"\n', 'play.sh': 'exit 1\n' };
/** Its plan plays whatever `play.sh` holds when an agent works on the whole unit. */
const UNITS = {
  api: {
    sh: 'sh ./play.sh',
    tasks: [{ gate: 'sh check.sh a.txt', sh: "echo a > a.txt; sed -i 's/^two$/unit/' shared.txt" }],
  },
};
const RESOLVE = { kind: 'resolve' } as const;
const RESOLVED = "printf 'one\\nboth\\nthree\\n' > shared.txt";

/** A world whose `main` has the specs, and agents that play. `meet`: a commit on `main` that conflicts with the unit. */
async function openWorld() {
  const world = await openUpdateWorld({ units: UNITS, files: FILES });
  let since = world.specs;
  await world.person('main', async (at) => {
    await git(at, 'merge', '--quiet', '--squash', 'origin/specs');
    await git(at, 'commit', '--quiet', '--message=specs');
  });
  world.allowAgents(true);
  let count = 0;
  const meet = async (
    play: string,
    files: Readonly<Record<string, string>> = {},
  ): Promise<UpdateRequest['onto']> => {
    count += 1;
    const clash = { 'shared.txt': `one\ntarget ${count}\nthree\n`, 'play.sh': play };
    const commit = await world.person('main', async (at) => commitFiles(at, { ...clash, ...files }));
    return { commit, since, builtOn: {} };
  };
  return { world, meet, standOn: (commit: string): void => void (since = commit) };
}

async function typesOf(world: UpdateWorld, run: string | undefined): Promise<readonly string[]> {
  return (await world.events(run ?? '')).map(({ type }) => type);
}

const isStart = (type: string): boolean => type === 'task.provider.invoke';

describe('an agent that resolves a conflict', () => {
  test('makes a merge that is pushed when its gates have passed, and a crash costs one attempt at most', async () => {
    const { world, meet, standOn } = await openWorld();
    await using _ = world;
    const head = await world.unitHead('api');
    const onto = await meet(
      `grep -q '^<<<<<<<' shared.txt && ${RESOLVED}; echo 'exit 0' > check.sh; test "$CHOO_REHEARSAL" = resolve`,
    );
    const found = await world.update({ unit: 'api', head, onto, work: RESOLVE });
    expect(found).toMatchObject({ status: 'complete', failure: null });
    const to = await world.unitHead('api');
    expect(found?.result).toEqual({ to, same: false, files: ['shared.txt'] });
    expect(await world.git('log', '-1', '--format=%P|%s', to)).toBe(
      `${head} ${onto?.commit}|Bring api up to date with \`main\``,
    );
    expect(await world.git('show', `${to}:shared.txt`)).toBe('one\nboth\nthree');
    expect(await world.git('show', `${to}:check.sh`)).toBe(FILES['check.sh'].trim());
    expect(await world.record('api')).toMatchObject({
      ...{ run: world.run, base: onto?.commit, head: to, verified: true },
    });
    const types = await typesOf(world, found?.run);
    expect(types.filter(isStart)).toHaveLength(1);
    expect(types.indexOf('verify.ok')).toBeLessThan(types.indexOf('branch.pushed'));

    standOn(onto?.commit ?? '');
    for (const [type, status] of [
      ['task.provider.done', 'failed'], // nothing is left of the attempt
      ['verify.started', 'complete'],
      ['branch.pushed', 'complete'],
    ] as const) {
      const next = await meet(`printf 'one\\nboth, ${type}\\nthree\\n' > shared.txt`);
      let kills = 0;
      world.onReport((events) => {
        if (kills > 0 || !events.some((event) => event.type === type)) return;
        kills += 1;
        throw new Error('killed');
      });
      const again = await world.update({
        ...{ unit: 'api', head: await world.unitHead('api'), onto: next, work: RESOLVE },
      });
      expect([type, kills, again?.status]).toEqual([type, 1, status]);
      const [to, failure] = [again?.result?.to, again?.failure?.message];
      expect(
        status === 'failed' ? failure?.includes('was cut off') : to === (await world.unitHead('api')),
      ).toBe(true);
      expect((await typesOf(world, again?.run)).filter(isStart)).toHaveLength(1);
      if (status === 'complete') standOn(next?.commit ?? '');
    }
  });

  test('pushes nothing that has conflict markers, a red gate or what is never committed', async () => {
    const { world, meet } = await openWorld();
    await using _ = world;
    const head = await world.unitHead('api');
    const before = await world.record('api');
    for (const [play, failure, message] of [
      ["sed -i '/^<<<<<<</d' shared.txt", 'conflict', 'conflict markers are left'],
      [`${RESOLVED}; rm a.txt`, 'verify', 'the gate of task 1 is red'],
      [`${RESOLVED}; ln -s /etc x`, 'attempts', 'a link out of the repository'],
    ] as const) {
      const found = await world.update({ unit: 'api', head, onto: await meet(play), work: RESOLVE });
      expect(found).toMatchObject({
        ...{ status: 'failed', result: null },
        failure: { failure, message: expect.stringContaining(message) },
      });
      expect(await world.unitHead('api')).toBe(head);
      expect(await world.record('api')).toEqual(before);
    }
  });

  test('is not started for a file that it may not change, or where nothing conflicts', async () => {
    const { world, meet } = await openWorld();
    await using _ = world;
    const head = await world.unitHead('api');
    const onto = await meet('exit 1', { 'check.sh': 'test -s "$1"\n' });
    const edited = await world.person(world.branch('api'), async (at) =>
      commitFiles(at, { 'check.sh': 'test -e "$1" || false\n' }),
    );
    const refused = await world.update({ unit: 'api', head: edited, onto, work: RESOLVE });
    expect(refused?.failure).toMatchObject({
      ...{ failure: 'conflict', message: expect.stringContaining('only a person may merge `check.sh`') },
    });
    const same = { commit: head, since: world.specs, builtOn: {} };
    const merged = await world.update({ unit: 'api', head: edited, onto: same, work: RESOLVE });
    expect(merged).toMatchObject({ status: 'complete', result: { to: edited } });
    for (const run of [refused?.run, merged?.run])
      expect((await typesOf(world, run)).filter(isStart)).toEqual([]);
    expect(await world.unitHead('api')).toBe(edited);
  });
});

const COMMENTS = [{ author: 'rev', body: 'Please.' }];
const ROUND: ReviewRequest = {
  ...{ round: '7', words: 'Two points.', checks: [] },
  threads: ['t1', 't2'].map((id) => ({
    id,
    path: 'a.txt',
    line: 1,
    hunk: '@@ -0,0 +1 @@\n+a',
    comments: COMMENTS,
  })),
};

describe('an agent that works on a review', () => {
  test('is pushed when the gates have passed, and each thread gets one answer that is true', async () => {
    const { world } = await openWorld();
    await using _ = world;
    world.freeze(ROUND);
    /** A review of the unit's head, on which a person changed what the agent plays. */
    const review = async (play: string) => {
      const head = await world.person(world.branch('api'), async (at) =>
        commitFiles(at, { 'play.sh': play }),
      );
      const found = await world.update({
        unit: 'api',
        head,
        onto: null,
        work: { kind: 'review', round: '7' },
      });
      const events = await world.events(found?.run ?? '');
      const answered = events.flatMap((event) => (event.type === 'unit.answered' ? [event] : []));
      return { head, found, types: events.map(({ type }) => type), answered };
    };
    const answer = (...answers: readonly object[]): string =>
      `printf '%s' '${JSON.stringify({ answers, summary: 'Done.' })}' > "$CHOO_ANSWERS"`;

    const good = await review(
      `echo better > a.txt; echo 'exit 0' > check.sh; ${answer({ thread: 't1', kind: 'fixed', text: 'Wrote it.' }, { thread: 'other' })}
       test "$CHOO_REHEARSAL" = review`,
    );
    expect(good.found).toMatchObject({ status: 'complete', failure: null });
    const to = await world.unitHead('api');
    expect(await world.git('log', '-1', '--format=%P|%s', to)).toBe(`${good.head}|Answer the review of api`);
    expect(await world.git('diff', '--name-only', good.head, to)).toBe('a.txt');
    expect(await world.record('api')).toMatchObject({ base: world.specs, head: to, verified: true });
    expect(good.answered).toMatchObject([
      {
        answers: [
          { thread: 't1', kind: 'fixed', text: 'Wrote it.' },
          { thread: 't2', kind: 'question', text: expect.stringMatching(/^No answer was given\./) },
        ],
        summary: 'Done.',
      },
    ]);
    expect(good.types.indexOf('verify.ok')).toBeLessThan(good.types.indexOf('branch.pushed'));
    expect(good.types.indexOf('unit.answered')).toBeLessThan(good.types.indexOf('unit.completed'));

    const idle = await review(
      answer(
        { thread: 't1', kind: 'fixed', text: 'Did it.' },
        { thread: 't2', kind: 'question', text: 'Why?' },
      ),
    );
    expect(idle.found).toMatchObject({ status: 'complete', result: null });
    expect(await world.unitHead('api')).toBe(idle.head);
    expect(idle.answered).toMatchObject([
      {
        answers: [
          { thread: 't1', kind: 'declined', text: expect.stringContaining('No file was changed') },
          { thread: 't2', kind: 'question', text: 'Why?' },
        ],
      },
    ]);

    const before = await world.record('api');
    const red = await review('rm a.txt');
    expect(red.found).toMatchObject({
      ...{ status: 'failed', result: null },
      failure: { failure: 'verify', message: expect.stringContaining('the gate of task 1 is red') },
    });
    expect(await world.unitHead('api')).toBe(red.head);
    expect(await world.record('api')).toEqual(before);
  });
});
