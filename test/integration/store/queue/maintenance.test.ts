import { sql } from 'kysely';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { connectionOf } from '../../../../src/store/database/database.ts';
import { claimUnits } from '../../../../src/store/queue/claims.ts';
import { beginWaitingRuns, deleteOld, withMaintenanceLock } from '../../../../src/store/queue/maintenance.ts';
import { registerWorker } from '../../../../src/store/queue/worker-registry.ts';
import { commit, plannedUnit, started } from '../../../helpers/run-events.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

const PLAN = { configCommit: commit('0') };
const RUN = 'run0000001';

async function open() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openServerStore());
  const process = stack.use(await server.open());
  const repository = await server.repository();
  await process.runStore.submit({
    repository,
    start: started([plannedUnit('a'), plannedUnit('b')], RUN),
    plan: PLAN,
  });
  const kept = stack.move();
  return { ...process, server, repository, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

describe('maintenance', () => {
  test('lets a run begin that waits for nothing, and no other', async () => {
    await using world = await open();
    await world.runStore.submit({
      repository: world.repository,
      start: started([plannedUnit('a')], 'run0000002'),
      plan: PLAN,
    });
    expect(await beginWaitingRuns(world.database, world.runStore)).toBe(0);
    await world.database.deleteFrom('runs').where('id', '=', RUN).execute();
    expect(await beginWaitingRuns(world.database, world.runStore)).toBe(1);
    const rows = await world.database.selectFrom('units').select(['run', 'state']).execute();
    expect(rows).toEqual([{ run: 'run0000002', state: 'queued' }]);
  });

  test('is done by one process at a time', async () => {
    await using world = await open();
    const inside = Promise.withResolvers<void>();
    const first = withMaintenanceLock(world.database, async () => inside.promise);
    await expect.poll(async () => withMaintenanceLock(world.database, async () => {})).toBe(false);
    inside.resolve();
    expect(await first).toBe(true);
    expect(await withMaintenanceLock(world.database, async () => {})).toBe(true);
  });
});

test('what is older than it is to be kept goes, with all that belongs to it, and nothing else', async () => {
  await using world = await open();
  const { database, runStore, server } = world;
  const other = await server.repository();
  for (let at = 0; at < 250; at += 1) {
    const id = `old${String(at).padStart(7, '0')}`;
    const start = { ...started([plannedUnit('a')], id), target: `t${at}` };
    await runStore.submit({ repository: other, start, plan: PLAN, source: id });
  }
  await sql`update runs set status = 'failed', ended_at = now() - interval '8 days' where id like 'old%'`.execute(
    database,
  );
  await sql`update runs set status = 'failed', ended_at = now() - interval '6 days' where id = 'old0000000'`.execute(
    database,
  );
  await sql`insert into deliveries (id, event, payload, received_at) values
    ('old', 'push', '{}', now() - interval '8 days'), ('new', 'push', '{}', now())`.execute(database);
  expect(await deleteOld(database, 7)).toBe(249);
  const left = await sql<{
    runs: number;
    units: number;
    events: number;
    deliveries: string[];
    requests: number;
  }>`
    select (select count(*) from runs)::int as runs, (select count(*) from units)::int as units,
           (select count(distinct run) from events)::int as events,
           (select array_agg(id) from deliveries) as deliveries,
           (select count(*) from requests where run is not null)::int as requests`.execute(database);
  expect(left.rows).toEqual([{ runs: 2, units: 3, events: 2, deliveries: ['new'], requests: 1 }]);
}, 60_000);

test('a process that falls silent in the middle of a claim does not keep the others from claiming', async () => {
  await using world = await open();
  const silent = new pg.Client(connectionOf(world.server.address, 'silent'));
  silent.on('error', () => {}); // it is cut off
  await silent.connect();
  await silent.query('begin');
  await silent.query(`select pg_advisory_xact_lock(hashtext('choo claim'))`);
  const { number } = await registerWorker(world.database, 'test');
  const began = Date.now();
  expect(await claimUnits(world.database, number, { free: 5 })).toHaveLength(2);
  expect(Date.now() - began).toBeLessThan(15_000);
});
