import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { upsertRepository } from '../../../../src/store/github/github-repositories.ts';
import {
  assignRun,
  changeContent,
  countRounds,
  findRoundOfRun,
  listOpenRounds,
  listRoundsOfPull,
  moveRound,
  type NewRound,
  readFeedback,
  readRound,
  saveFeedback,
  saveRound,
} from '../../../../src/store/github/review-rounds.ts';
import { deleteOld } from '../../../../src/store/queue/maintenance.ts';
import { commit, plannedUnit, started } from '../../../helpers/run-events.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

const CONTENT = { words: 'Please.', threads: [], checks: [] };

/** Two processes on one database with a repository of the App. */
async function open() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openServerStore());
  const [first, second] = [stack.use(await server.open()), stack.use(await server.open())];
  const known = { githubId: 1, installation: 7, owner: 'team', name: 'widgets', defaultBranch: 'main' };
  const { id: repository } = await upsertRepository(first.database, { ...known, remote: '/srv/w.git' });
  const round = (id: string, more: Partial<NewRound> = {}): NewRound => ({
    id,
    repository,
    target: 'main',
    unit: 'api',
    pull: 4,
    source: `review ${id}`,
    kind: 'review',
    actorId: 2 ** 40,
    actor: 'alice',
    byBot: false,
    head: commit('a'),
    content: CONTENT,
    leftOut: 0,
    ...more,
  });
  const kept = stack.move();
  const { database, runStore } = first;
  return {
    database,
    runStore,
    other: second.database,
    repository,
    round,
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

describe('the rounds of reviews', () => {
  test('are saved once for each source, and read back as they were', async () => {
    await using world = await open();
    const { database, other, repository, round } = world;
    const first = round('one', { byBot: true, leftOut: 3 });
    await Promise.all([
      saveRound(database, first),
      saveRound(other, { ...first, id: 'two' }),
      saveRound(database, round('three', { unit: 'web', pull: 5, kind: 'ci' })),
    ]);
    const found = await listOpenRounds(other, repository, 'main');
    const api = found.find(({ unit }) => unit === 'api');
    expect(found).toHaveLength(2);
    expect(api).toEqual({
      ...first,
      id: expect.stringMatching(/^(?:one|two)$/),
      state: 'waiting',
      run: null,
    });
    expect(await listRoundsOfPull(other, repository, 5)).toMatchObject([{ id: 'three', kind: 'ci' }]);
    expect(await listOpenRounds(other, repository, 'elsewhere')).toEqual([]);
    expect(await readRound(other, 'three')).toEqual({ ...CONTENT, round: 'three' });
    expect(await readRound(other, 'none')).toBeUndefined();
  });

  test('come in the order in which they were asked for', async () => {
    await using world = await open();
    const { database, repository, round } = world;
    for (const id of ['b', 'a', 'c']) await saveRound(database, round(id));
    await sql`update review_rounds set asked_at = now() - interval '1 hour' where id = 'c'`.execute(database);
    const ids = (await listOpenRounds(database, repository, 'main')).map(({ id }) => id);
    expect(ids).toEqual(['c', 'b', 'a']);
  });

  test('get one run, whichever process assigns it, and are found by it', async () => {
    await using world = await open();
    const { database, other, round } = world;
    await saveRound(database, round('one'));
    const [mine, theirs] = await Promise.all([
      assignRun(database, 'one', 'run0000001'),
      assignRun(other, 'one', 'run0000002'),
    ]);
    expect(mine).toBe(theirs);
    expect(await findRoundOfRun(other, mine)).toMatchObject({ id: 'one', run: mine });
    expect(await findRoundOfRun(other, 'run0000003')).toBeUndefined();
  });

  test('change what they ask for until they start, and stay ended', async () => {
    await using world = await open();
    const { database, repository, round } = world;
    await saveRound(database, round('one'));
    const more = { ...CONTENT, words: 'More.' };
    await moveRound(database, 'one', { state: 'postponed' });
    await changeContent(database, 'one', more);
    expect(await readRound(database, 'one')).toMatchObject({ words: 'More.' });
    await moveRound(database, 'one', { state: 'started' });
    await changeContent(database, 'one', CONTENT);
    expect(await readRound(database, 'one')).toMatchObject({ words: 'More.' });
    await moveRound(database, 'one', { state: 'ended', outcome: 'answered' });
    await moveRound(database, 'one', { state: 'started' });
    await moveRound(database, 'one', { state: 'ended', outcome: 'failed' });
    expect(await listRoundsOfPull(database, repository, 4)).toEqual([]);
    const { rows } = await sql`select state, outcome from review_rounds`.execute(database);
    expect(rows).toEqual([{ state: 'ended', outcome: 'answered' }]);
  });

  test('count when they began: all, and those that reviews began by themselves', async () => {
    await using world = await open();
    const { database, repository, round } = world;
    const ends = [
      ['answered', 'review'],
      ['failed', 'review'],
      ['answered', 'fix'],
      ['cancelled', 'review'],
      ['taken', 'review'],
    ] as const;
    for (const [at, [outcome, kind]] of ends.entries()) {
      await saveRound(database, round(`${at}`, { kind }));
      await moveRound(database, `${at}`, { state: 'ended', outcome });
    }
    await saveRound(database, round('started', { kind: 'ci' }));
    await moveRound(database, 'started', { state: 'started' });
    await saveRound(database, round('waiting'));
    await saveRound(database, round('elsewhere', { pull: 5 }));
    await moveRound(database, 'elsewhere', { state: 'started' });
    expect(await countRounds(database, repository, 4)).toEqual({ all: 4, byThemselves: 2 });
    expect(await countRounds(database, repository, 6)).toEqual({ all: 0, byThemselves: 0 });
  });

  test('of work that starts over are what its prompts are told, the newest of each run', async () => {
    await using world = await open();
    const { database, repository, round } = world;
    const { source: _, kind: __, ...feedback } = round('one');
    await saveFeedback(database, 'run0000001', feedback);
    await saveFeedback(database, 'run0000001', {
      ...feedback,
      id: 'two',
      content: { ...CONTENT, words: 'B.' },
    });
    expect(await readFeedback(database, 'run0000001', 'api')).toEqual({
      ...CONTENT,
      words: 'B.',
      round: 'one',
    });
    expect(await readFeedback(database, 'run0000002', 'api')).toBeUndefined();
    expect(await readFeedback(database, 'run0000001', 'web')).toBeUndefined();
    expect(await listOpenRounds(database, repository, 'main')).toEqual([]);
    expect(await countRounds(database, repository, 4)).toEqual({ all: 0, byThemselves: 0 });
  });

  test('that ended go with the retention of runs, but not while their pull request or their run is there', async () => {
    await using world = await open();
    const { database, runStore, repository, round } = world;
    const start = started([plannedUnit('api')], 'run0000001');
    await runStore.submit({ repository, start, plan: { configCommit: commit('0') } });
    const rounds = {
      old: {},
      new: {},
      waiting: {},
      open: { pull: 5 },
      merged: { pull: 6 },
      'with a run': {},
    };
    for (const [id, more] of Object.entries(rounds)) {
      await saveRound(database, round(id, more));
      if (id !== 'waiting') await moveRound(database, id, { state: 'ended', outcome: 'answered' });
    }
    await assignRun(database, 'with a run', 'run0000001');
    await assignRun(database, 'old', 'run0000000');
    const { source: _, kind: __, ...feedback } = round('fresh');
    await saveFeedback(database, 'run0000000', feedback);
    for (const [number, state] of [
      [5, 'open'],
      [6, 'merged'],
    ] as const)
      await sql`insert into unit_pulls (repository, target, unit, number, node_id, state, base, draft, hash)
        values (${repository}, 'main', ${`unit${number}`}, ${number}, ${`PR_${number}`}, ${state}, 'main', false, '')`.execute(
        database,
      );
    await sql`update review_rounds set asked_at = now() - interval '8 days' where id <> 'new'`.execute(
      database,
    );
    await deleteOld(database, 7);
    const { rows } = await sql<{ id: string }>`select id from review_rounds order by id`.execute(database);
    expect(rows.map(({ id }) => id)).toEqual(['new', 'open', 'waiting', 'with a run']);
  });
});
