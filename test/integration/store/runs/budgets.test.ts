import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../../src/events/event.ts';
import { SharedBudget } from '../../../../src/orchestrator/server/shared-budget.ts';
import { submitUpdate } from '../../../../src/orchestrator/server/submit-update.ts';
import { claimUnits } from '../../../../src/store/queue/claims.ts';
import { registerWorker, requeueUnits } from '../../../../src/store/queue/worker-registry.ts';
import { findReachedLimit, setAside } from '../../../../src/store/runs/budgets.ts';
import { commit, plannedUnit, started } from '../../../helpers/run-events.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

const RUN = 'run0000001';
const limits = { attempts: 3, unitTokens: 1_000, unitCost: null, runTokens: 1_500, runCost: null };
const NONE = { tokens: Number.POSITIVE_INFINITY, cost: Number.POSITIVE_INFINITY };
const amounts = {
  installation: NONE,
  server: NONE,
  unit: { tokens: 1_000, cost: Number.POSITIVE_INFINITY },
  run: { tokens: 1_500, cost: Number.POSITIVE_INFINITY },
};

async function open() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openServerStore());
  const process = stack.use(await server.open());
  const start = { ...started([plannedUnit('a'), plannedUnit('b')], RUN), limits };
  const repository = await server.repository();
  await process.runStore.submit({ repository, start, plan: { configCommit: commit('0') } });
  const { number: worker } = await registerWorker(process.database, 'test');
  await claimUnits(process.database, worker, { free: 2 });
  const report = async (unit: string, batch: number, events: readonly EventBody[], ended = false) =>
    process.runStore.write(RUN, { unit, claim: 1, worker, batch, events, ended });
  const kept = stack.move();
  return { ...process, repository, worker, report, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

function spent(unit: string, type: 'usage' | 'done', tokens: number): EventBody {
  const what = { unit, task: 1, attempt: 1, tokens, cost: 0.1, basis: 'told' as const };
  return type === 'usage'
    ? { type: 'task.provider.usage', ...what }
    : { type: 'task.provider.done', ...what, outcome: 'finished', message: '', durationMs: 1 };
}

describe('the budgets of a run that many processes work on', () => {
  test('are never exceeded by those who race for the last of them', async () => {
    await using world = await open();
    const tries = Array.from({ length: 40 }, async (_, at) =>
      setAside(world.database, { run: RUN, unit: at % 2 === 0 ? 'a' : 'b', claim: 1 }, amounts, 0.1),
    );
    const held = (await Promise.all(tries)).flatMap((each) =>
      each.kind === 'held' ? [each.amount.tokens] : [],
    );
    expect(held.reduce((sum, tokens) => sum + tokens, 0)).toBe(1_500);
    const rows = await world.database.selectFrom('spending').select('reserved_tokens').execute();
    expect(Math.max(...rows.map(({ reserved_tokens }) => Number(reserved_tokens)))).toBeLessThanOrEqual(
      1_000,
    );
  });

  test('take what is used from what events tell, and give the rest back at the end of an attempt', async () => {
    await using world = await open();
    const spender = { run: RUN, unit: 'a', claim: 1 };
    await setAside(world.database, spender, amounts, 0.9);
    expect(await setAside(world.database, { ...spender, unit: 'b' }, amounts, 0.9)).toMatchObject({
      kind: 'held',
      amount: { tokens: 600 },
    });
    expect(await setAside(world.database, { ...spender, unit: 'b' }, amounts, 0.9)).toEqual({ kind: 'wait' });
    await world.report('a', 1, [spent('a', 'usage', 50)]);
    await world.report('a', 2, [spent('a', 'done', 100)]);
    expect(
      await world.database.selectFrom('spending').selectAll().where('unit', '=', 'a').execute(),
    ).toMatchObject([{ used_tokens: '100', open_tokens: '0', reserved_tokens: '0', used_cost: 0.1 }]);
    expect(await setAside(world.database, { ...spender, unit: 'b' }, amounts, 0.9)).toMatchObject({
      kind: 'held',
    });
  });

  test('count for an update what its unit has spent so far, and for its run what that has', async () => {
    await using world = await open();
    await world.report('a', 1, [spent('a', 'done', 900)]);
    await world.report('b', 1, [spent('b', 'done', 500)]);
    const end: EventBody = { type: 'unit.completed', unit: 'a', head: commit('a'), verified: true };
    await world.report('a', 2, [end], true);
    const request = { repository: world.repository, target: 'main', unit: 'a', run: RUN };
    const work = { head: commit('a'), onto: null, work: { kind: 'review', round: '1' } } as const;
    const update = await submitUpdate({ ...request, ...work }, world);
    const run = update.kind === 'run' ? update.run : update.kind;
    const spender = { run, unit: 'a', claim: 1, updates: RUN };
    expect(await setAside(world.database, spender, amounts, 0.9)).toMatchObject({ amount: { tokens: 100 } });
    await world.database
      .updateTable('spending')
      .set({ used_tokens: 100, reserved_tokens: 0 })
      .where('run', '=', run)
      .execute();
    // The next update counts this one.
    await world.database.updateTable('runs').set({ status: 'complete' }).where('id', '=', run).execute();
    await world.database.updateTable('units').set({ state: 'complete' }).where('run', '=', run).execute();
    const next = await submitUpdate({ ...request, ...work }, world);
    expect(
      await setAside(world.database, { ...spender, run: next.kind === 'run' ? next.run : '' }, amounts, 0.9),
    ).toMatchObject({ kind: 'used-up', refused: 'unit', limit: 1_000 });
  });

  test('remember what a worker used that died, and forget what was set aside for it', async () => {
    await using world = await open();
    await setAside(world.database, { run: RUN, unit: 'a', claim: 1 }, amounts, 0.9);
    await world.report('a', 1, [spent('a', 'usage', 950)]);
    await requeueUnits(world.runStore, {
      run: RUN,
      units: ['a'],
      worker: world.worker,
      reason: 'it died',
      died: true,
    });
    expect(await world.database.selectFrom('spending').selectAll().execute()).toMatchObject([
      { used_tokens: '950', open_tokens: '0', reserved_tokens: '0' },
    ]);
    await world.database.updateTable('spending').set({ used_tokens: 1_000 }).execute();
    expect(await setAside(world.database, { run: RUN, unit: 'a', claim: 2 }, amounts, 0.1)).toEqual({
      kind: 'used-up',
      refused: 'unit',
      what: 'tokens',
      limit: 1_000,
      until: null,
    });
  });

  test('are charged what was set aside for an attempt whose worker died before anything was heard of it', async () => {
    await using world = await open();
    const limited = { ...amounts, run: { tokens: 1_500, cost: 10 } };
    await setAside(world.database, { run: RUN, unit: 'a', claim: 1 }, limited, 0.5);
    await requeueUnits(world.runStore, {
      run: RUN,
      units: ['a'],
      worker: world.worker,
      reason: 'it died',
      died: true,
    });
    expect(await world.database.selectFrom('spending').selectAll().execute()).toMatchObject([
      { used_tokens: '500', used_cost: 5, reserved_tokens: '0', reserved_cost: 0 },
    ]);
    expect(await world.database.selectFrom('day_spending').selectAll().execute()).toMatchObject([
      { tokens: '500', cost: 5 },
    ]);
  });

  test('are asked for as an attempt goes on, and stop it at a fifth more than there is', async () => {
    await using world = await open();
    const budget = new SharedBudget(world.database, { run: RUN, unit: 'a', claim: 1 }, amounts);
    const reservation = await budget.reserve('a', AbortSignal.timeout(5_000));
    if ('refused' in reservation) throw new Error('refused');
    expect(reservation.tokens).toBe(100);
    let used = 0;
    while (reservation.use({ tokens: used, cost: null }) && used < 2_000) {
      used += 20;
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    expect(used).toBeGreaterThan(1_000);
    expect(used).toBeLessThanOrEqual(1_220);
  });
});

/** Runs of one unit each, claimed; those of one installation are for repositories of their own. */
async function openRuns(installations: readonly string[]) {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openServerStore());
  const process = stack.use(await server.open());
  const runs = installations.map((_, at) => `run000000${at}`);
  for (const [at, run] of runs.entries()) {
    const repository = await server.repository(undefined, installations[at]);
    const start = { ...started([plannedUnit('a')], run), limits };
    await process.runStore.submit({ repository, start, plan: { configCommit: commit('0') } });
  }
  const { number: worker } = await registerWorker(process.database, 'test');
  await claimUnits(process.database, worker, { free: runs.length });
  const report = async (run: string, batch: number, events: readonly EventBody[], ended = false) =>
    process.runStore.write(run, { unit: 'a', claim: 1, worker, batch, events, ended });
  const kept = stack.move();
  return { ...process, runs, worker, report, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

/** A day of an installation has 1,000 tokens, one of the server 1,500; nothing else is short. */
const DAY = {
  run: NONE,
  unit: { tokens: 1_000_000, cost: Number.POSITIVE_INFINITY },
  installation: { tokens: 1_000, cost: Number.POSITIVE_INFINITY },
  server: { tokens: 1_500, cost: Number.POSITIVE_INFINITY },
};

describe('the budgets of a day', () => {
  test('are never exceeded by runs that race for the last of them', async () => {
    await using world = await openRuns(['one', 'one', 'one', 'two', 'two']);
    const tries = Array.from({ length: 60 }, async (_, at) => {
      const run = world.runs[at % world.runs.length] ?? '';
      return { run, answer: await setAside(world.database, { run, unit: 'a', claim: 1 }, DAY, 1) };
    });
    const held = (await Promise.all(tries)).flatMap(({ run, answer }) =>
      answer.kind === 'held' ? [{ run, tokens: answer.amount.tokens }] : [],
    );
    const sum = (of: typeof held) => of.reduce((total, { tokens }) => total + tokens, 0);
    expect(sum(held)).toBe(1_500);
    expect(sum(held.filter(({ run }) => world.runs.indexOf(run) < 3))).toBeLessThanOrEqual(1_000);
  });

  test('count what all runs of an installation used, and say when there is more', async () => {
    await using world = await openRuns(['one', 'one', 'two']);
    const [first = '', second = '', other = ''] = world.runs;
    await world.report(first, 1, [spent('a', 'usage', 300)]);
    await world.report(first, 2, [spent('a', 'done', 600)]);
    await world.report(second, 1, [spent('a', 'usage', 400)]);
    const answer = await setAside(world.database, { run: second, unit: 'a', claim: 1 }, DAY, 1);
    const until = new Date().setUTCHours(24, 0, 0, 0);
    expect(answer).toEqual({ kind: 'used-up', refused: 'installation', what: 'tokens', limit: 1_000, until });
    const held = await setAside(world.database, { run: other, unit: 'a', claim: 1 }, DAY, 1);
    expect(held).toEqual({ kind: 'held', amount: { tokens: 100, cost: 0 } });
    await world.report(other, 1, [spent('a', 'done', 500)]);
    expect(await setAside(world.database, { run: other, unit: 'a', claim: 1 }, DAY, 1)).toMatchObject({
      refused: 'server',
      limit: 1_500,
    });
  });

  test('are not refilled by workers that die, nor by runs that are deleted', async () => {
    await using world = await openRuns(['one', 'one']);
    const [first = '', second = ''] = world.runs;
    await world.report(first, 1, [spent('a', 'usage', 1_000)]);
    const { worker } = world;
    const dead = { run: first, units: ['a'], worker, reason: 'it died', died: true } as const;
    await requeueUnits(world.runStore, dead);
    const refusal = { kind: 'used-up', refused: 'installation' };
    expect(await findReachedLimit(world.database, { run: second, unit: 'a' }, DAY)).toMatchObject(refusal);
    await world.database.deleteFrom('runs').where('id', '=', first).execute();
    expect(await findReachedLimit(world.database, { run: second, unit: 'a' }, DAY)).toMatchObject(refusal);
  });

  test('are full again on the next day; what was set aside and is not used yet counts for that', async () => {
    await using world = await openRuns(['one', 'one']);
    const [first = '', second = ''] = world.runs;
    await setAside(world.database, { run: first, unit: 'a', claim: 1 }, DAY, 1);
    await world.report(first, 1, [spent('a', 'usage', 1_000)]);
    await sql`update day_spending set day = day - 1`.execute(world.database);
    expect(await findReachedLimit(world.database, { run: second, unit: 'a' }, DAY)).toBeUndefined();
    // The attempt goes on after midnight.
    await world.report(first, 2, [spent('a', 'done', 1_250)]);
    const rows = await sql<{ tokens: string }>`select tokens from day_spending order by day`.execute(
      world.database,
    );
    expect(rows.rows).toEqual([{ tokens: '1000' }, { tokens: '250' }]);
  });
});
