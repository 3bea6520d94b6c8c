import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../../src/events/event.ts';
import { followRuns } from '../../../../src/store/audit/follow-runs.ts';
import { type BudgetCeilings, findNotices } from '../../../../src/store/notices/find-notices.ts';
import type { NewNotice } from '../../../../src/store/notices/notice-queue.ts';
import { claimUnits } from '../../../../src/store/queue/claims.ts';
import { registerWorker } from '../../../../src/store/queue/worker-registry.ts';
import { factsOf, plannedUnit, started } from '../../../helpers/run-events.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

const NONE = { tokens: Infinity, cost: Infinity };
const UNLIMITED: BudgetCeilings = { run: NONE, installation: NONE, server: NONE };
/** The limits of each run: 1,000 tokens and 10 dollars. */
const LIMITS = { attempts: 3, unitTokens: 1_000, unitCost: null, runTokens: 1_000, runCost: 10 };

/** A server with two runs of one installation and one of another, each with a unit that is worked on. */
async function open() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openServerStore());
  const { database, runStore } = stack.use(await server.open());
  const { number: worker } = await registerWorker(database, 'test');
  const installations = { first00001: 'one', second0001: 'one', other00001: 'two' };
  for (const [run, installation] of Object.entries(installations)) {
    const repository = await server.repository(undefined, installation);
    const start = { ...started([plannedUnit('a')], run), limits: LIMITS };
    await runStore.submit({ repository, start, plan: {} });
  }
  await claimUnits(database, worker, { free: 3 });
  let batch = 0;
  const kept = stack.move();
  return {
    database,
    /** Writes events as the worker does. */
    report: async (run: string, ...events: readonly EventBody[]) => {
      batch += 1;
      await runStore.write(run, { unit: 'a', claim: 1, worker, batch, events, ended: false });
    },
    /** What is found in the events since the last time. */
    find: async (ceilings: BudgetCeilings): Promise<readonly NewNotice[]> => {
      const found: NewNotice[] = [];
      await followRuns(database, async (trx, runs) => {
        found.push(...(await findNotices(trx, runs, ceilings)));
      });
      return found;
    },
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

const a = factsOf('a');
/** What a notice says of a budget. */
const told = ({ notice }: NewNotice): unknown =>
  notice.type === 'budget.nearly_used' ? [notice.data.of, notice.data.name, notice.data.what] : notice.type;

describe('a budget', () => {
  test('of a run is told of from four fifths of its own limits on, by what attempts used that ended', async () => {
    await using world = await open();
    await world.report('first00001', a.started(), a.done(1, 799, 7.99));
    expect(await world.find(UNLIMITED)).toEqual([]);
    await world.report('first00001', a.done(1, 1, 0));
    const [tokens, ...rest] = await world.find(UNLIMITED);
    expect(rest).toEqual([]);
    expect(tokens).toEqual({
      source: 'budget run tokens first00001',
      notice: {
        type: 'budget.nearly_used',
        data: { of: 'run', name: 'first00001', what: 'tokens', used: 800, limit: 1_000, url: null },
      },
    });
    await world.report('first00001', a.done(1, 0, 0.02));
    // Found again, under the same name: the queue tells each name once.
    expect((await world.find(UNLIMITED)).map(({ source }) => source)).toEqual([
      'budget run cost first00001',
      'budget run tokens first00001',
    ]);
  });

  test('is the lower one of a run and of the operator', async () => {
    await using world = await open();
    await world.report('first00001', a.started(), a.done(1, 80, 0.8));
    expect(await world.find({ ...UNLIMITED, run: { tokens: 100, cost: 1 } })).toMatchObject([
      { notice: { data: { of: 'run', what: 'cost', limit: 1 } } },
      { notice: { data: { of: 'run', what: 'tokens', limit: 100 } } },
    ]);
    await world.report('first00001', a.done(1, 720, 0));
    expect(await world.find({ ...UNLIMITED, run: { tokens: 100_000, cost: 100 } })).toMatchObject([
      { notice: { data: { of: 'run', what: 'tokens', used: 800, limit: 1_000 } } },
    ]);
  });

  test('of an installation counts its runs of today alone, and that of the server those of all', async () => {
    await using world = await open();
    const ceilings: BudgetCeilings = {
      ...UNLIMITED,
      installation: { tokens: 500, cost: Infinity },
      server: { tokens: 1_000, cost: Infinity },
    };
    await world.report('first00001', a.started(), a.done(1, 200, 0));
    await world.report('other00001', a.started(), a.done(1, 390, 0));
    expect(await world.find(ceilings)).toEqual([]);
    await world.report('second0001', a.started(), a.done(1, 200, 0));
    const found = await world.find(ceilings);
    expect(found.map(told)).toEqual([['installation', 'one', 'tokens']]);
    const day = new Date().toISOString().slice(0, 10);
    expect(found[0]?.source).toBe(`budget installation tokens one ${day}`);
    expect(found[0]?.notice).toMatchObject({ data: { used: 400, limit: 500, url: null } });
    await world.report('other00001', a.done(1, 10, 0));
    expect((await world.find(ceilings)).map(told)).toEqual([
      ['installation', 'two', 'tokens'],
      ['server', day, 'tokens'],
    ]);
    // What was spent yesterday is over for the day's budgets, and stays spent for the run's.
    await world.database.updateTable('day_spending').set({ day: '2001-02-03' }).execute();
    await world.report('second0001', a.done(1, 600, 0));
    expect(
      (await world.find({ ...ceilings, installation: { tokens: 800, cost: Infinity } })).map(told),
    ).toEqual([['run', 'second0001', 'tokens']]);
  });

  test('is not told of where nothing was spent since the last look, nor for money without a limit', async () => {
    await using world = await open();
    const ceilings: BudgetCeilings = { ...UNLIMITED, installation: { tokens: 1_000, cost: Infinity } };
    await world.report('first00001', a.started(), a.done(1, 790, 1_000));
    expect((await world.find(ceilings)).map(told)).toEqual([['run', 'first00001', 'cost']]);
    await world.report('first00001', a.task(1));
    await world.report('second0001', a.started(), a.pushed());
    expect(await world.find({ ...ceilings, installation: { tokens: 1, cost: 1 } })).toEqual([]);
  });
});
