import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../../src/events/event.ts';
import { foldEvents } from '../../../../src/events/state.ts';
import type { Database } from '../../../../src/store/database/database.ts';
import type { Claim } from '../../../../src/store/runs/claim.ts';
import { readEvents } from '../../../../src/store/runs/event-rows.ts';
import { cancelRun, retryRun, skipUnits } from '../../../../src/store/runs/change-run.ts';
import { commit, plannedUnit, started } from '../../../helpers/run-events.ts';
import type { StoreProcess } from '../../../helpers/server-process.ts';
import { openServerStore, type ServerStore } from '../../../helpers/server-store.ts';

const RUN = 'run0000001';
const PLAN = { configCommit: commit('0') };
const actor = 'somebody';
const UNITS = [plannedUnit('a'), plannedUnit('b', { dependsOn: ['a'] }), plannedUnit('c')];

function complete(unit: string): readonly EventBody[] {
  return [{ type: 'unit.completed', unit, head: commit('a'), verified: true }];
}
function failed(unit: string): readonly EventBody[] {
  return [{ type: 'unit.failed', unit, failure: 'attempts', message: 'red', hint: null, head: null }];
}
function released(unit: string): readonly EventBody[] {
  return [{ type: 'unit.released', unit, reason: 'interrupted', until: null }];
}

async function submit(server: ServerStore, { runStore }: StoreProcess): Promise<void> {
  await runStore.submit({ repository: await server.repository(), start: started(UNITS, RUN), plan: PLAN });
}

async function statesOf(database: Database): Promise<Readonly<Record<string, string>>> {
  const rows = await database.selectFrom('units').select(['id', 'state']).orderBy('id').execute();
  const { status } = await database.selectFrom('runs').select('status').executeTakeFirstOrThrow();
  // What the events say is what the rows say.
  const state = foldEvents(await readEvents(database, RUN));
  const told = [...(state?.units ?? [])].map(([id, unit]) => [id, unit.state]);
  const shown = rows.map(({ id, state }) => [
    id,
    state === 'waiting' || state === 'queued' ? 'pending' : state,
  ]);
  const settled = shown.filter(([, state]) => state !== 'running');
  expect(Object.fromEntries(told)).toMatchObject(Object.fromEntries(settled));
  expect(state?.status === 'interrupted' ? 'running' : state?.status).toBe(status);
  return { ...Object.fromEntries(rows.map(({ id, state }) => [id, state])), run: status };
}

describe('cancelling', () => {
  test('a run stops what runs at once, starts nothing more, and nothing of it comes back', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    await using other = await server.open();
    await submit(server, store);
    const begun: Claim[] = [];
    const stoppedAt = Promise.withResolvers<number>();
    await store.work(
      async (claim, { signal }) => {
        begun.push(claim);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        stoppedAt.resolve(Date.now());
        return released(claim.unit);
      },
      { concurrency: 1 },
    );
    await expect.poll(() => begun.length).toBe(1);
    const askedAt = Date.now();
    const cancelled = await cancelRun(other.runStore, { run: RUN, actor });
    expect((await stoppedAt.promise) - askedAt).toBeLessThan(500);
    expect(cancelled).toEqual(['a', 'b', 'c']);
    await expect
      .poll(async () =>
        (await store.database.selectFrom('units').select('worker').execute()).map(({ worker }) => worker),
      )
      .toEqual([null, null, null]);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(begun).toHaveLength(1);
    expect(await statesOf(store.database)).toEqual({
      a: 'cancelled',
      b: 'cancelled',
      c: 'cancelled',
      run: 'cancelled',
    });
    await expect(cancelRun(other.runStore, { run: RUN, actor })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('keeps what the worker says of its end from counting, but not what it used', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    await submit(server, store);
    const begun = Promise.withResolvers<void>();
    await store.work(async ({ unit }, { signal, report }) => {
      if (unit !== 'a') return complete(unit);
      begun.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      const basis = 'told' as const;
      const spent = { tokens: 321, cost: 0.5, basis, durationMs: 1, outcome: 'cancelled', message: '' };
      await report([{ type: 'task.provider.done', unit, task: 1, attempt: 1, ...spent }]);
      return complete(unit);
    });
    await begun.promise;
    await cancelRun(store.runStore, { run: RUN, units: ['a'], actor });
    await expect
      .poll(() => statesOf(store.database))
      .toEqual({ a: 'cancelled', b: 'blocked', c: 'complete', run: 'failed' });
    await expect
      .poll(async () => (await store.database.selectFrom('spending').select('used_tokens').execute())[0])
      .toEqual({ used_tokens: '321' });
    const spent = await store.database.selectFrom('spending').select(['used_tokens', 'used_cost']).execute();
    expect(spent).toEqual([{ used_tokens: '321', used_cost: 0.5 }]);
  });

  test.each<readonly [string, { readonly run: string; readonly units?: readonly string[] }, object]>([
    ['a run that is not there', { run: 'nothinghere' }, { code: 'usage' }],
    ['a unit that is not there', { run: RUN, units: ['x'] }, { code: 'usage', hint: 'it has a, b, c' }],
  ])('refuses %s', async (_, wish, refusal) => {
    await using server = await openServerStore();
    await using store = await server.open();
    await submit(server, store);
    await expect(cancelRun(store.runStore, { ...wish, actor })).rejects.toMatchObject(refusal);
  });
});

describe('retrying', () => {
  test('gives what failed and what it blocked another turn, with none of the attempts counted', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    await submit(server, store);
    const ends: Record<string, readonly EventBody[]> = { a: failed('a') };
    await store.work(async ({ unit }, { report }) => {
      if (unit === 'a') {
        const call = { provider: 'claude', model: null, reservedTokens: 0, reservedCost: null };
        await report([{ type: 'task.provider.invoke', unit, task: 1, attempt: 3, ...call }]);
      }
      return ends[unit] ?? complete(unit);
    });
    await expect
      .poll(() => statesOf(store.database))
      .toEqual({ a: 'failed', b: 'blocked', c: 'complete', run: 'failed' });
    ends['a'] = complete('a');
    expect(await retryRun(store.runStore, { run: RUN, actor })).toEqual(['a', 'b']);
    await expect
      .poll(() => statesOf(store.database))
      .toEqual({ a: 'complete', b: 'complete', c: 'complete', run: 'complete' });
    await expect(retryRun(store.runStore, { run: RUN, actor })).rejects.toMatchObject({
      code: 'conflict',
    });
    const events = await readEvents(store.database, RUN);
    const at = events.findIndex(({ type }) => type === 'unit.retried');
    const attempts = [at, at + 1].map(
      (end) => foldEvents(events.slice(0, end))?.units.get('a')?.tasks.get(1)?.attempts,
    );
    expect(attempts).toEqual([3, 0]);
  });

  test('of a unit starts it over, or from a task on, when that is asked for', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    await submit(server, store);
    const claims: string[] = [];
    await store.work(async ({ unit, claim }) => {
      claims.push(`${unit}#${claim}`);
      return complete(unit);
    });
    await expect.poll(async () => (await statesOf(store.database))['run']).toBe('complete');
    await expect(retryRun(store.runStore, { run: RUN, units: ['a'], actor })).rejects.toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('--fresh'),
    });
    await retryRun(store.runStore, { run: RUN, units: ['a'], actor, fresh: true });
    await expect.poll(async () => (await statesOf(store.database))['run']).toBe('complete');
    const events = await readEvents(store.database, RUN, { unit: 'a' });
    expect(events.filter(({ type }) => type === 'unit.retried')).toMatchObject([
      { fresh: true, from: null, actor },
    ]);
    expect(claims.sort()).toEqual(['a#1', 'a#2', 'b#1', 'b#2', 'c#1']); // what was built on it is looked at again
  });

  test('waits until the last worker has let go', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    await submit(server, store);
    const claims: Claim[] = [];
    const letGo = Promise.withResolvers<void>();
    await store.work(async (claim) => {
      if (claim.unit !== 'a') return complete(claim.unit);
      claims.push(claim);
      if (claims.length === 1) await letGo.promise; // deaf to its signal
      return complete(claim.unit);
    });
    await expect.poll(() => claims.length).toBe(1);
    await cancelRun(store.runStore, { run: RUN, units: ['a'], actor });
    await retryRun(store.runStore, { run: RUN, units: ['a'], actor });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(claims).toHaveLength(1);
    letGo.resolve();
    await expect
      .poll(async () => (await statesOf(store.database))['run'], { timeout: 5_000 })
      .toBe('complete');
    expect(claims.map(({ claim }) => claim)).toEqual([1, 2]);
  });

  test('is refused while another run is under way for the branch', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const repository = await server.repository();
    await store.runStore.submit({ repository, start: started(UNITS, RUN), plan: PLAN });
    await cancelRun(store.runStore, { run: RUN, actor });
    await store.runStore.submit({ repository, start: started(UNITS, 'run0000002'), plan: PLAN });
    await expect(retryRun(store.runStore, { run: RUN, actor })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('run0000002'),
    });
  });
});

describe('skipping', () => {
  test('a unit that failed lets what depends on it go on without it', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    await submit(server, store);
    await store.work(async ({ unit }) => (unit === 'a' ? failed(unit) : complete(unit)));
    await expect
      .poll(() => statesOf(store.database))
      .toEqual({ a: 'failed', b: 'blocked', c: 'complete', run: 'failed' });
    await skipUnits(store.runStore, { run: RUN, units: ['a'], actor });
    await expect
      .poll(() => statesOf(store.database))
      .toEqual({ a: 'skipped', b: 'complete', c: 'complete', run: 'complete' });
    await expect(skipUnits(store.runStore, { run: RUN, units: ['c'], actor })).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});
