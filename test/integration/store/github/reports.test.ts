import { sql } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { upsertRepository } from '../../../../src/store/github/github-repositories.ts';
import {
  findNewerRun,
  insertReport,
  publishNextReport,
  type PublishResult,
  requestRefresh,
} from '../../../../src/store/github/reports.ts';
import { cancelRun } from '../../../../src/store/runs/change-run.ts';
import { plannedUnit, started } from '../../../helpers/run-events.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

const PUBLISHED: PublishResult = { kind: 'published' };

/** Two processes of a server, and runs of a repository of the App that are not published. */
async function open(...runs: string[]) {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openServerStore());
  const [first, second] = [stack.use(await server.open()), stack.use(await server.open())];
  const known = { githubId: 1, installation: 7, owner: 'team', name: 'widgets' };
  const remote = '/srv/widgets.git';
  const { id } = await upsertRepository(first.database, { ...known, remote, defaultBranch: 'main' });
  for (const run of runs) {
    const start = { ...started([plannedUnit('api')], run), target: run };
    const report = { run, repository: id, thread: 1, isPull: false, base: 'main', actorId: null };
    await first.runStore.submit({
      repository: id,
      start,
      plan: {},
      alongside: async (trx) => insertReport(trx, report),
    });
  }
  const kept = stack.move();
  return { first, second, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

test('of each run one process tells at a time, what is behind for the longest first, in no open transaction', async () => {
  await using world = await open('run0000001', 'run0000002');
  const order: string[] = [];
  const { database } = world.first;
  await publishNextReport(database, async (outer) => {
    await publishNextReport(world.second.database, async (inner) => {
      order.push(outer.run, inner.run);
      const { rows } = await sql`select from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'`.execute(database);
      expect(rows).toEqual([]);
      expect(await publishNextReport(database, async () => PUBLISHED)).toBeUndefined();
      return PUBLISHED;
    });
    return PUBLISHED;
  });
  expect(order).toEqual(['run0000001', 'run0000002']);
  expect(await publishNextReport(database, async () => PUBLISHED)).toBeUndefined();
});

test('what happens while a run is published is published next', async () => {
  await using world = await open('run0000001');
  const { database, runStore } = world.first;
  const first = await publishNextReport(database, async ({ upTo }) => {
    await cancelRun(runStore, { run: 'run0000001', actor: 'ann' });
    expect(upTo).toMatchObject({ seq: 2 });
    return PUBLISHED;
  });
  expect(first).toEqual(PUBLISHED);
  const seqs: number[] = [];
  while (
    (await publishNextReport(database, async ({ upTo }) => (seqs.push(upTo.seq), PUBLISHED))) !== undefined
  );
  expect(seqs).toHaveLength(1);
});

test('a process that lost its lease on a report does not mark it as published', async () => {
  await using world = await open('run0000001');
  const { database } = world.first;
  const later = { kind: 'later' as const, until: new Date('2040-01-01T00:00:00Z') };
  const lost = publishNextReport(
    database,
    async () => {
      while ((await publishNextReport(world.second.database, async () => later)) === undefined)
        await wait(20);
      return PUBLISHED;
    },
    { lastsMs: 300, renewMs: 60_000, cutOffMs: 60_000 },
  );
  expect(await lost).toEqual({ kind: 'lost' });
  const { rows } = await sql`select seq, not_before from reports`.execute(database);
  expect(rows).toEqual([{ seq: 0, not_before: later.until }]);
});

test('a report that is wanted again without news is a refresh, unless GitHub had refused a part of it', async () => {
  await using world = await open('run0000001');
  const { database } = world.first;
  const publish = async (result: PublishResult) => {
    let isRefresh: boolean | undefined;
    await publishNextReport(database, async (report) => {
      isRefresh = report.isRefresh;
      return result;
    });
    return isRefresh;
  };
  expect(await publish(PUBLISHED)).toBe(false);
  await requestRefresh(database, { run: 'run0000001' });
  expect(await publish({ kind: 'refused', until: new Date(Date.now() + 60_000) })).toBe(true);
  await requestRefresh(database, { run: 'run0000001' });
  expect(await publish(PUBLISHED)).toBe(false);
  await requestRefresh(database, { run: 'run0000001' });
  expect(await publish(PUBLISHED)).toBe(true);
});

test('of the runs of a thread the newest is the one that was requested last', async () => {
  await using world = await open('run0000002', 'run0000001', 'run0000003');
  const { database } = world.first;
  const newerThan = async (run: string, thread: number | null = 1): Promise<string | undefined> =>
    findNewerRun(database, { repository: '1', run, thread });
  expect(await newerThan('run0000002')).toBe('run0000003');
  expect(await newerThan('run0000001')).toBe('run0000003');
  expect(await newerThan('run0000003')).toBeUndefined();
  expect(await newerThan('run0000001', 2)).toBeUndefined();
  expect(await newerThan('run0000001', null)).toBeUndefined();
});
