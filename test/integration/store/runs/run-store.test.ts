import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { ChooError } from '../../../../src/errors.ts';
import type { EventBody } from '../../../../src/events/event.ts';
import { type UnitState, unitStateAfter } from '../../../../src/events/run-rules.ts';
import { foldEvents } from '../../../../src/events/state.ts';
import { Graph } from '../../../../src/scheduler/graph.ts';
import { decide } from '../../../../src/scheduler/scheduler.ts';
import { claimUnits } from '../../../../src/store/queue/claims.ts';
import { registerWorker, requeueUnits } from '../../../../src/store/queue/worker-registry.ts';
import type { Claim } from '../../../../src/store/runs/claim.ts';
import { readEvents } from '../../../../src/store/runs/event-rows.ts';
import { cancelRun, retryRun, skipUnits } from '../../../../src/store/runs/change-run.ts';
import { acyclicUnits } from '../../../helpers/arbitrary-graphs.ts';
import { commit, factsOf, plannedUnit, started } from '../../../helpers/run-events.ts';
import type { StoreProcess } from '../../../helpers/server-process.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

/** What can happen to a run, to the unit of that number where one is meant. */
const happenings = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...([
        'claim',
        'claim',
        'begin',
        'begin',
        'complete',
        'complete',
        'merged',
        'fail',
        'release',
        'die',
        'late',
        'again',
      ] as const),
      ...(['cancel', 'retry', 'retry', 'skip', 'cancel-run', 'retry-run'] as const),
    ),
    unit: fc.nat({ max: 5 }),
    by: fc.nat({ max: 2 }),
    /** It waits for all that happens before it; else they happen at once. */
    after: fc.boolean(),
  }),
  { minLength: 5, maxLength: 40 },
);

const someUnits = acyclicUnits(6).filter((nodes) => nodes.length > 0);

const actor = 'somebody';
const PLAN = { configCommit: commit('0') };
let runs = 0;

/** A worker's claims, told of by hand. */
interface Hands {
  readonly store: StoreProcess;
  readonly worker: number;
  readonly held: { readonly claim: Claim; batch: number }[];
  readonly ended: Claim[];
}

type How = 'complete' | 'merged' | 'fail' | 'release';

function ended(unit: string, how: How): EventBody {
  if (how === 'merged') return { type: 'unit.satisfied', unit, head: null };
  if (how === 'complete') return { type: 'unit.completed', unit, head: commit('a'), verified: true };
  if (how === 'release') return { type: 'unit.released', unit, reason: 'given back', until: null };
  return { type: 'unit.failed', unit, failure: 'attempts', message: 'red', hint: null, head: null };
}

/** Two may ask for what only one can have: whoever is late is told so. */
async function allowRefusal(action: Promise<unknown>): Promise<void> {
  await action.catch((error: unknown) => {
    if (!(error instanceof ChooError) || error.code !== 'conflict') throw error;
  });
}

describe('a run that many processes change', () => {
  test('has rows and events that agree, whatever happens in whatever order', async () => {
    await using server = await openServerStore();
    await using stack = new AsyncDisposableStack();
    const hands: Hands[] = [];
    for (let at = 0; at < 3; at += 1) {
      const store = stack.use(await server.open());
      const { number } = await registerWorker(store.database, 'test');
      hands.push({ store, worker: number, held: [], ended: [] });
    }
    const property = fc.asyncProperty(someUnits, happenings, async (nodes, order) => {
      runs += 1;
      const run = `run${String(runs).padStart(7, '0')}`;
      const units = nodes.map(({ id, dependsOn }) => plannedUnit(id, { dependsOn: [...dependsOn] }));
      const start = { ...started(units, run), parallelism: 3 };
      const [first] = hands;
      if (first === undefined) throw new Error('nobody works');
      await first.store.runStore.submit({ repository: await server.repository(), start, plan: PLAN });

      let noticed = 0;
      const happen = async ({
        what,
        unit: at,
        by,
      }: {
        what: string;
        unit: number;
        by: number;
      }): Promise<void> => {
        const { store, worker, held, ended: past } = hands[by] ?? first;
        const { runStore, database } = store;
        const unit = nodes[at % nodes.length]?.id ?? '';
        const mine = held[at % Math.max(1, held.length)];
        const settle = async (how: How): Promise<void> => {
          if (mine === undefined) return;
          held.splice(held.indexOf(mine), 1);
          past.push(mine.claim);
          mine.batch += 1;
          const { claim } = mine;
          const events = [ended(claim.unit, how)];
          await allowRefusal(
            runStore.write(run, { ...claim, worker, batch: mine.batch, events, ended: true }),
          );
        };
        switch (what) {
          case 'claim':
            for (const claim of await claimUnits(database, worker, { free: 2 }))
              held.push({ claim, batch: 0 });
            return;
          case 'begin': {
            if (mine === undefined || mine.batch > 0) return;
            mine.batch += 1;
            const { claim } = mine;
            const events = [factsOf(claim.unit).started(commit('0'), { claim: claim.claim })];
            return allowRefusal(
              runStore.write(run, { ...claim, worker, batch: mine.batch, events, ended: false }),
            );
          }
          case 'complete':
          case 'merged':
          case 'fail':
          case 'release':
            return settle(what);
          case 'die': {
            const dying = held.splice(0).map(({ claim }) => claim);
            past.push(...dying);
            const ids = dying.map((claim) => claim.unit);
            return requeueUnits(runStore, {
              run,
              units: ids,
              worker,
              reason: 'its worker died',
              died: false,
            });
          }
          case 'late': {
            // Another process than the one that holds it, or one that held it once.
            const late = past.at(-1);
            if (late === undefined) return;
            const events = [ended(late.unit, 'complete')];
            return allowRefusal(runStore.write(run, { ...late, worker, batch: 9, events, ended: true }));
          }
          case 'again': {
            if (mine === undefined) return;
            mine.batch += 1;
            const events: EventBody[] = [
              { type: 'unit.notice', unit: mine.claim.unit, code: 'once', message: '' },
            ];
            const write = { ...mine.claim, worker, batch: mine.batch, events, ended: false };
            const twice = Promise.all([runStore.write(run, write), runStore.write(run, write)]);
            return allowRefusal(twice.then(() => void (noticed += 1)));
          }
          case 'cancel':
            return allowRefusal(cancelRun(runStore, { run, units: [unit], actor }));
          case 'cancel-run':
            return allowRefusal(cancelRun(runStore, { run, actor }));
          case 'retry':
            return allowRefusal(retryRun(runStore, { run, units: [unit], actor, fresh: at % 2 === 0 }));
          case 'retry-run':
            return allowRefusal(retryRun(runStore, { run, actor }));
          case 'skip':
            return allowRefusal(skipUnits(runStore, { run, units: [unit], actor }));
          default:
            throw new Error(what);
        }
      };

      let together: Promise<void>[] = [];
      for (const each of order) {
        if (each.after) {
          await Promise.all(together);
          together = [];
          await expectAgreement(first.store, run, nodes);
        }
        together.push(happen(each));
      }
      await Promise.all(together);
      await expectAgreement(first.store, run, nodes);

      // Whatever is left comes to an end.
      for (const [by, { held }] of hands.entries())
        while (held.length > 0) await happen({ what: 'complete', unit: 0, by });
      for (let round = 0; round < 20; round += 1) {
        await happen({ what: 'claim', unit: 0, by: 0 });
        while (first.held.length > 0) await happen({ what: 'complete', unit: 0, by: 0 });
      }
      await expectAgreement(first.store, run, nodes);
      const left = await first.store.database
        .selectFrom('units')
        .select(['id', 'state'])
        .where('run', '=', run)
        .where('state', 'in', ['waiting', 'queued', 'running'])
        .execute();
      expect(left).toEqual([]);
      const events = await readEvents(first.store.database, run);
      expect(events.filter(({ type }) => type === 'unit.notice')).toHaveLength(noticed);
      for (const hand of hands) hand.ended.splice(0);
    });
    await fc.assert(property, { numRuns: 60, endOnFailure: true });
  }, 120_000);
});

test('a unit is queued once, though a process remembers that it waits', async () => {
  await using server = await openServerStore();
  await using one = await server.open();
  await using two = await server.open();
  const run = 'run0000000';
  const nodes = [{ id: 'a', dependsOn: [], weight: 1 }];
  await one.runStore.submit({
    repository: await server.repository(),
    start: started([plannedUnit('a')], run),
    plan: PLAN,
  });
  const { number: worker } = await registerWorker(one.database, 'test');
  const [claim] = await claimUnits(one.database, worker, { free: 1 });
  await cancelRun(two.runStore, { run, units: ['a'], actor });
  await retryRun(two.runStore, { run, units: ['a'], actor }); // it waits for its worker to let go
  const write = { unit: 'a', claim: claim?.claim ?? 0, worker, batch: 1, events: [], ended: true };
  await one.runStore.write(run, write); // which says nothing that the other would hear of
  await two.runStore.change(run, async () => {});
  const { number: other } = await registerWorker(two.database, 'test');
  expect(await claimUnits(two.database, other, { free: 2 })).toHaveLength(1);
  expect(await claimUnits(one.database, worker, { free: 2 })).toEqual([]);
  await expectAgreement(two, run, nodes);
});

test('a unit whose work was merged has no head to build on, whatever it had before', async () => {
  await using server = await openServerStore();
  await using store = await server.open();
  const run = 'run0000000';
  const nodes = [{ id: 'a', dependsOn: [], weight: 1 }];
  const start = started([plannedUnit('a')], run);
  await store.runStore.submit({ repository: await server.repository(), start, plan: PLAN });
  const { number: worker } = await registerWorker(store.database, 'test');
  const end = async (how: How): Promise<void> => {
    const [claim] = await claimUnits(store.database, worker, { free: 1 });
    const write = { unit: 'a', claim: claim?.claim ?? 0, worker, batch: 1, ended: true };
    await store.runStore.write(run, { ...write, events: [ended('a', how)] });
  };
  await end('complete');
  await retryRun(store.runStore, { run, units: ['a'], actor, fresh: true });
  await end('merged');
  const row = await store.database
    .selectFrom('units')
    .select('head')
    .where('run', '=', run)
    .executeTakeFirst();
  expect(row).toEqual({ head: null });
  await expectAgreement(store, run, nodes);
});

/** Rows, events and graph tell the same story. */
async function expectAgreement(
  { database }: StoreProcess,
  run: string,
  nodes: readonly { readonly id: string; readonly dependsOn: readonly string[]; readonly weight: number }[],
): Promise<void> {
  const { status, seq } = await database
    .selectFrom('runs')
    .select(['status', 'seq'])
    .where('id', '=', run)
    .executeTakeFirstOrThrow();
  const { rows } = await sql<{
    id: string;
    state: string;
    head: string | null;
    worker: number | null;
    claim: number;
  }>`
    select units.id, units.state, units.head, units.worker, units.claim
    from units where units.run = ${run}`.execute(database);
  for (const { id, state, worker } of rows) {
    const context = `${id} is ${state}`;
    const isClaimed = state === 'running' ? true : state === 'queued' ? false : worker !== null;
    expect([context, worker !== null]).toEqual([context, isClaimed]);
  }

  const events = await readEvents(database, run);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, at) => at + 1));
  expect(events).toHaveLength(seq);
  const told = foldEvents(events);
  expect(told?.status).toBe(status);
  for (const { id, state, head } of rows) {
    const isOpen = state === 'waiting' || state === 'queued' || state === 'running';
    // A claim is a row's alone: events know of it when its worker says that it began, be that late.
    const last = events.findLast(
      (event) => 'unit' in event && event.unit === id && unitStateAfter(event) !== undefined,
    );
    const open = last?.type === 'unit.started' ? 'running' : 'pending';
    const unit = told?.units.get(id);
    expect([id, unit?.state]).toEqual([id, isOpen ? open : state]);
    const isComplete = state === 'complete';
    expect([id, isComplete && unit?.head]).toEqual([id, isComplete && head]);
  }
  // Each end is of another claim: none counted twice.
  const claims = rows.reduce((sum, { claim }) => sum + claim, 0);
  const ends = events.filter(({ type }) => type === 'unit.completed' || type === 'unit.failed').length;
  expect(ends).toBeLessThanOrEqual(claims);

  // The scheduler has nothing to add, but for units whose last worker has not let go yet.
  if (status !== 'running') return;
  const states = new Map<string, UnitState>(
    rows.map(({ id, state, worker }) => {
      if (state === 'waiting') return [id, worker === null ? 'pending' : 'running'];
      return [id, state === 'queued' ? 'running' : (state as UnitState)];
    }),
  );
  const graph = new Graph(nodes);
  const blocked = decide({ graph, units: states }, { parallelism: Number.POSITIVE_INFINITY });
  expect(blocked).toEqual([]);
}
