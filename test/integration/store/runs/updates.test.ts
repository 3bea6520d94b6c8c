import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../../src/events/event.ts';
import { submitUpdate, type UpdateRequest } from '../../../../src/orchestrator/server/submit-update.ts';
import { markRepositoryRemoved, upsertRepository } from '../../../../src/store/github/github-repositories.ts';
import { claimUnits } from '../../../../src/store/queue/claims.ts';
import { beginWaitingRuns } from '../../../../src/store/queue/maintenance.ts';
import { registerWorker } from '../../../../src/store/queue/worker-registry.ts';
import { cancelRun, retargetRun, retryRun, skipUnits } from '../../../../src/store/runs/change-run.ts';
import { readEvents } from '../../../../src/store/runs/event-rows.ts';
import { PostgresStore } from '../../../../src/store/runs/postgres.ts';
import { findRunAhead } from '../../../../src/store/runs/run-reader.ts';
import { findUpdate, hasOpenUpdate } from '../../../../src/store/runs/updates.ts';
import { commit, factsOf, plannedUnit, started } from '../../../helpers/run-events.ts';
import type { StoreProcess } from '../../../helpers/server-process.ts';
import { openServerStore, type ServerStore } from '../../../helpers/server-store.ts';

const RUN = 'run0000001';
const PLAN = { configCommit: commit('5') };
const UNITS = [plannedUnit('a'), plannedUnit('b', { dependsOn: ['a'] })];
const HEAD = commit('a');
const ONTO = { commit: commit('b'), since: commit('0'), builtOn: {} };
const MOVED: EventBody = {
  ...{ type: 'unit.updated', unit: 'a', from: HEAD, to: commit('c'), onto: ONTO.commit, since: ONTO.since },
  ...{ same: false, files: ['a.txt'] },
};
function verified(unit: string, head: string): EventBody {
  return { type: 'unit.completed', unit, head, verified: true };
}

/** A repository with a run of two units, of which the first is complete; `end` ends the second one, too. */
async function openWorld(server: ServerStore, { end = true } = {}) {
  const store = await server.open();
  const { runStore, database } = store;
  const repository = await server.repository();
  await runStore.submit({ repository, start: { ...started(UNITS, RUN), actor: 'ada' }, plan: PLAN });
  const { number: worker } = await registerWorker(database, 'test');
  const claim = async (free = 1) => claimUnits(database, worker, { free });
  const finish = async (events: readonly EventBody[]) => {
    const [claimed] = await claim();
    if (claimed === undefined) throw new Error('there is no unit to claim');
    await runStore.write(claimed.run, { ...claimed, worker, batch: 1, events, ended: true });
    return claimed;
  };
  await finish([factsOf('a').started(commit('0')), verified('a', HEAD)]);
  if (end) await finish([verified('b', commit('d'))]);
  const unit = { repository, target: 'main', unit: 'a' };
  const request: UpdateRequest = { ...unit, run: RUN, head: HEAD, onto: ONTO, work: null };
  return {
    ...store,
    repository,
    unit,
    claim,
    finish,
    request: async (change: Partial<UpdateRequest> = {}) => submitUpdate({ ...request, ...change }, store),
  };
}

async function recordOf({ database, listener }: StoreProcess, repository: string) {
  await using records = new PostgresStore(database, listener, repository);
  return records.record('main', 'a');
}

describe('an update of a unit', () => {
  test('is a run of this unit alone, judged by what judged its work', async () => {
    await using server = await openServerStore();
    await using world = await openWorld(server);
    const submitted = await world.request();
    if (submitted.kind !== 'run') throw new Error(submitted.kind);
    const [start] = await readEvents(world.database, submitted.run);
    expect(start).toMatchObject({
      ...{ type: 'orch.started', run: submitted.run, actor: 'ada', commit: commit('0') },
      ...{
        units: [{ id: 'a', key: 'key-of-a', dependsOn: [] }],
        update: { head: HEAD, onto: ONTO, work: null },
      },
    });
    const row = world.database.selectFrom('runs').select(['plan', 'purpose', 'update_unit', 'status']);
    expect(await row.where('id', '=', submitted.run).executeTakeFirst()).toEqual({
      ...{ plan: PLAN, purpose: 'update', update_unit: 'a', status: 'running' },
    });
  });

  test('has the work of an agent that was asked for', async () => {
    await using server = await openServerStore();
    await using world = await openWorld(server);
    const work = { kind: 'review', round: '7' } as const;
    await world.request({ onto: null, work });
    expect(await findUpdate(world.database, world.unit)).toMatchObject({
      update: { head: HEAD, onto: null, work },
    });
  });

  test('is found with what became of it, and moves the record but not the run in it', async () => {
    await using server = await openServerStore();
    await using world = await openWorld(server);
    expect(await findUpdate(world.database, world.unit)).toBeUndefined();
    await world.request();
    const update = { head: HEAD, onto: ONTO, work: null };
    expect(await findUpdate(world.database, world.unit)).toMatchObject({
      ...{ status: 'running', update, result: null, failure: null },
    });
    expect(await hasOpenUpdate(world.database, world.unit)).toBe(true);
    const { run } = await world.finish([factsOf('a').started(HEAD), MOVED, verified('a', commit('c'))]);
    expect(await findUpdate(world.database, world.unit)).toEqual({
      ...{ run, status: 'complete', update, resolves: 0, judge: null, failure: null },
      result: { to: commit('c'), same: false, files: ['a.txt'] },
    });
    expect(await hasOpenUpdate(world.database, world.unit)).toBe(false);
    expect(await recordOf(world, world.repository)).toMatchObject({
      ...{ run: RUN, key: 'key-of-a', base: ONTO.commit, head: commit('c'), verified: true },
    });
  });

  test('names the files of its conflict', async () => {
    await using server = await openServerStore();
    await using world = await openWorld(server);
    await world.request();
    await world.finish([
      {
        ...{ type: 'unit.failed', unit: 'a', failure: 'conflict', message: 'no', hint: null, head: HEAD },
        files: ['x\ny'],
      },
    ]);
    expect(await findUpdate(world.database, world.unit)).toMatchObject({
      status: 'failed',
      failure: { failure: 'conflict', message: 'no', hint: null, files: ['x\ny'] },
    });
  });

  test('is refused while a run or another update works on the unit, or is about to', async () => {
    await using server = await openServerStore();
    await using world = await openWorld(server, { end: false });
    expect(await world.request({ unit: 'b' })).toEqual({ kind: 'busy' }); // queued
    const asked = await Promise.all(Array.from({ length: 5 }, async () => world.request()));
    expect(asked.map(({ kind }) => kind).sort()).toEqual(['busy', 'busy', 'busy', 'busy', 'run']);
    const claims = await world.claim(2);
    expect(claims.map(({ unit }) => unit).sort()).toEqual(['a', 'b']);
    expect(await world.request({ unit: 'b' })).toEqual({ kind: 'busy' }); // running
    // A worker that was asked to stop may still push.
    await cancelRun(world.runStore, { run: RUN, units: ['b'], actor: 'ada' });
    expect(await world.request({ unit: 'b' })).toEqual({ kind: 'busy' });
    // What was refused leaves nothing behind.
    const withUnits = await world.database.selectFrom('units').select('run').distinct().execute();
    const runs = await world.database.selectFrom('runs').select('id').execute();
    expect(withUnits.map(({ run }) => run).toSorted()).toEqual(runs.map(({ id }) => id).toSorted());
  });

  test('is not made for a run that is deleted, or that has no such unit', async () => {
    await using server = await openServerStore();
    await using world = await openWorld(server);
    expect(await world.request({ run: 'run0000009' })).toEqual({ kind: 'gone' });
    expect(await world.request({ unit: 'zzz' })).toEqual({ kind: 'gone' });
    expect(await world.request({ repository: await server.repository() })).toEqual({ kind: 'gone' });
    await world.database.deleteFrom('runs').where('id', '=', RUN).execute();
    expect(await world.request()).toEqual({ kind: 'gone' });
  });

  test('is no run of its branch: others start beside it, and it is not among the runs of people', async () => {
    await using server = await openServerStore();
    await using world = await openWorld(server);
    await world.request();
    const { runStore, database, repository, listener } = world;
    const submit = async (run: string) =>
      runStore.submit({ repository, start: started([plannedUnit('z')], run), plan: PLAN });
    expect(await submit('run0000002')).toMatchObject({ waits: false });
    expect(await submit('run0000003')).toMatchObject({ waits: true });
    expect(await findRunAhead(database, 'run0000003')).toBe('run0000002');
    await using store = new PostgresStore(database, listener, repository);
    expect((await store.runs()).toSorted()).toEqual([RUN, 'run0000002', 'run0000003']);
    // Nothing but the update runs: the waiting run begins.
    await database.updateTable('runs').set({ status: 'failed' }).where('id', '=', 'run0000002').execute();
    expect(await findRunAhead(database, 'run0000003')).toBeUndefined();
    expect(await beginWaitingRuns(database, runStore)).toBe(1);
    const third = database.selectFrom('runs').select('status').where('id', '=', 'run0000003');
    expect(await third.executeTakeFirst()).toEqual({ status: 'running' });
  });

  test('is not retried or skipped, but cancelled, and then it is over', async () => {
    await using server = await openServerStore();
    await using world = await openWorld(server);
    const submitted = await world.request();
    if (submitted.kind !== 'run') throw new Error(submitted.kind);
    const { runStore, database, unit } = world;
    const change = { run: submitted.run, actor: 'ada', units: ['a'] };
    const refusal = { code: 'usage', message: expect.stringContaining('only brings `a` up to date') };
    await expect(skipUnits(runStore, change)).rejects.toMatchObject(refusal);
    await cancelRun(runStore, { ...change, units: [] });
    expect(await findUpdate(database, unit)).toMatchObject({
      status: 'cancelled',
      result: null,
      failure: null,
    });
    await expect(retryRun(runStore, change)).rejects.toMatchObject(refusal);
    expect(await world.request()).toMatchObject({ kind: 'run' });
  });

  test('is among the runs that end when the App is taken off the repository', async () => {
    await using server = await openServerStore();
    await using world = await openWorld(server);
    const { database, repository } = world;
    const installed = await upsertRepository(database, {
      ...{ githubId: 7, installation: 1, owner: 'o', name: 'n', defaultBranch: 'main', remote: '/elsewhere' },
    });
    await database
      .updateTable('runs')
      .set({ repository: installed.id })
      .where('repository', '=', repository)
      .execute();
    const submitted = await world.request({ repository: installed.id });
    expect(submitted).toMatchObject({ kind: 'run' });
    expect(await markRepositoryRemoved(database, 7)).toEqual(['run' in submitted ? submitted.run : '']);
  });

  test('goes with its unit when the run is moved to another target', async () => {
    await using server = await openServerStore();
    await using world = await openWorld(server);
    await world.request();
    const { database, runStore, unit } = world;
    expect(await retargetRun(runStore, { run: RUN, target: 'next' })).toBe(true);
    expect(await findUpdate(database, unit)).toBeUndefined();
    await world.finish([MOVED, verified('a', commit('c'))]);
    expect(await findUpdate(database, { ...unit, target: 'next' })).toMatchObject({ status: 'complete' });
    await using records = new PostgresStore(database, world.listener, world.repository);
    expect(await records.record('next', 'a')).toMatchObject({ head: commit('c'), base: ONTO.commit });
    expect(await records.record('main', 'a')).toBeUndefined();
  });
});
