import { execa } from 'execa';
import { sql } from 'kysely';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { EventBody, PlannedUnit } from '../../../../src/events/event.ts';
import type { Database } from '../../../../src/store/database/database.ts';
import type { Claim } from '../../../../src/store/runs/claim.ts';
import { WORKER_TIMES, type WorkerTimes } from '../../../../src/store/queue/worker-registry.ts';
import { openDatabaseProxy } from '../../../helpers/database-proxy.ts';
import { commit, plannedUnit, started } from '../../../helpers/run-events.ts';
import { openProcess, type StoreProcess } from '../../../helpers/server-process.ts';
import { openServerStore, type ServerStore } from '../../../helpers/server-store.ts';

const HOLDER = fileURLToPath(new URL('../../../fixtures/hold-claims.ts', import.meta.url));
const PLAN = { configCommit: commit('0') };

function complete(unit: string): readonly EventBody[] {
  return [{ type: 'unit.completed', unit, head: commit('a'), verified: true }];
}

let runs = 0;

/** Puts a run down; its id. */
async function submit(
  server: ServerStore,
  { runStore }: StoreProcess,
  units: readonly PlannedUnit[],
  { repository, parallelism = 100 }: { repository?: string; parallelism?: number } = {},
): Promise<string> {
  runs += 1;
  const id = `run${String(runs).padStart(7, '0')}`;
  const start = { ...started(units, id), parallelism };
  await runStore.submit({ repository: repository ?? (await server.repository()), start, plan: PLAN });
  return id;
}

async function statusOf(database: Database, run: string): Promise<string> {
  return (await database.selectFrom('runs').select('status').where('id', '=', run).executeTakeFirstOrThrow())
    .status;
}

async function ended(database: Database, run: string): Promise<string> {
  await expect
    .poll(() => statusOf(database, run), { interval: 20, timeout: 30_000 })
    .not.toMatch(/running|waiting/);
  return statusOf(database, run);
}

/** Rows that say somebody works on something, or that something is not done. */
async function leftOver(database: Database): Promise<unknown> {
  const { rows } = await sql`
    select (select count(*) from units where worker is not null)::int as held,
           (select count(*) from units where state in ('waiting', 'queued', 'running'))::int as open`.execute(
    database,
  );
  return rows[0];
}
const NOTHING = { held: 0, open: 0 };

/** Units by name, each for so long in somebody's hands. */
function names(count: number, prefix = 'u'): readonly PlannedUnit[] {
  return Array.from({ length: count }, (_, at) => plannedUnit(`${prefix}${at}`));
}

describe('the dispatcher', () => {
  test('carries a graph out in its order, to the end', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const order: string[] = [];
    await store.work(async ({ unit }) => {
      order.push(unit);
      return complete(unit);
    });
    const run = await submit(server, store, [
      plannedUnit('d', { dependsOn: ['b', 'c'] }),
      plannedUnit('b', { dependsOn: ['a'] }),
      plannedUnit('c', { dependsOn: ['a'] }),
      plannedUnit('a'),
    ]);
    expect(await ended(store.database, run)).toBe('complete');
    expect([order[0], new Set(order.slice(1, 3)), order[3]]).toEqual(['a', new Set(['b', 'c']), 'd']);
    expect(order).toHaveLength(4);
    expect(await leftOver(store.database)).toEqual(NOTHING);
  });

  test('blocks what depends on a failure, and goes on with the rest', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const worked: string[] = [];
    await store.work(async ({ unit }) => {
      worked.push(unit);
      const failure = { failure: 'attempts', message: 'red', hint: null, head: null } as const;
      return unit === 'bad' ? [{ type: 'unit.failed', unit, ...failure }] : complete(unit);
    });
    const run = await submit(server, store, [
      plannedUnit('bad'),
      plannedUnit('after', { dependsOn: ['bad'] }),
      plannedUnit('good'),
    ]);
    expect(await ended(store.database, run)).toBe('failed');
    expect(worked.sort()).toEqual(['bad', 'good']);
    const rows = await store.database.selectFrom('units').select(['id', 'state']).orderBy('id').execute();
    expect(rows.map(({ state }) => state)).toEqual(['blocked', 'failed', 'complete']);
    expect(await leftOver(store.database)).toEqual(NOTHING);
  });

  test('starts the unit with the longest way behind it first', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const units = [
      plannedUnit('a-short'),
      plannedUnit('z-long', { tasks: 3 }),
      plannedUnit('m-start'),
      plannedUnit('m-end', { dependsOn: ['m-start'], tasks: 4 }),
    ];
    const run = await submit(server, store, units, { parallelism: 1 });
    const order: string[] = [];
    await store.work(async ({ unit }) => {
      order.push(unit);
      return complete(unit);
    });
    await ended(store.database, run);
    expect(order).toEqual(['m-start', 'm-end', 'z-long', 'a-short']);
  });

  test('keeps every limit, with any number of processes, and runs nothing twice', async () => {
    await using server = await openServerStore();
    await using one = await server.open();
    await using two = await server.open();
    await using three = await server.open();
    const small = await server.repository('/small');
    await one.database.updateTable('repositories').set({ max_units: 2 }).where('id', '=', small).execute();
    const now = new Map<string, number>();
    const most = new Map<string, number>();
    const times = new Map<string, number>();
    const full = Promise.withResolvers<void>();
    const count = (name: string, by: number): void => {
      now.set(name, (now.get(name) ?? 0) + by);
      most.set(name, Math.max(most.get(name) ?? 0, now.get(name) ?? 0));
      if (most.get('all') === 6) full.resolve();
    };
    const worker =
      (name: string) =>
      async ({ run, unit }: Claim) => {
        times.set(`${run}/${unit}`, (times.get(`${run}/${unit}`) ?? 0) + 1);
        for (const each of [name, run, 'all']) count(each, 1);
        await full.promise; // a busy machine may never have as many at once of its own
        await new Promise((resolve) => setTimeout(resolve, 40));
        for (const each of [name, run, 'all']) count(each, -1);
        return complete(unit);
      };
    await one.work(worker('one'), { concurrency: 3, maxUnits: 6 });
    await two.work(worker('two'), { concurrency: 3, maxUnits: 6 });
    await three.work(worker('three'), { concurrency: 3, maxUnits: 6 });
    const [narrow, held, wide] = [
      await submit(server, two, names(20), { parallelism: 2 }),
      await submit(server, three, names(20), { repository: small, parallelism: 10 }),
      await submit(server, one, names(60)),
    ];
    for (const run of [wide, narrow, held]) expect(await ended(one.database, run)).toBe('complete');
    expect([...times.values()].filter((each) => each !== 1)).toEqual([]);
    expect(times.size).toBe(100);
    expect(Object.fromEntries(most)).toMatchObject({ all: 6, [narrow]: 2, [held]: 2 });
    expect(Math.max(most.get('one') ?? 0, most.get('two') ?? 0, most.get('three') ?? 0)).toBeLessThanOrEqual(
      3,
    );
    expect(await leftOver(one.database)).toEqual(NOTHING);
  });

  test('gives installations their turns, however much one of them has', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const many = await submit(server, store, names(40), {
      repository: await server.repository('/many', 'many'),
    });
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    await store.work(
      async ({ run, unit }) => {
        order.push(run);
        first.resolve();
        await go.promise;
        return complete(unit);
      },
      { concurrency: 1 },
    );
    await first.promise;
    const single = await submit(server, store, names(1), {
      repository: await server.repository('/few', 'few'),
    });
    go.resolve();
    await ended(store.database, many);
    expect(order.indexOf(single)).toBe(1);
  });

  test('asks the only slot back for an installation that has none, and gives it again later', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const order: string[] = [];
    const begun = Promise.withResolvers<void>();
    const long = await submit(server, store, names(1), {
      repository: await server.repository('/long', 'long'),
    });
    await store.work(
      async ({ run, unit, claim }, { shouldReleaseSlot }) => {
        order.push(`${run} ${claim}`);
        begun.resolve();
        if (run !== long || claim > 1) return complete(unit);
        while (!shouldReleaseSlot(1)) await new Promise((resolve) => setTimeout(resolve, 20));
        return [{ type: 'unit.released', unit, reason: 'others wait', until: null }];
      },
      { concurrency: 1, quantumMs: 300 },
    );
    await begun.promise;
    const short = await submit(server, store, names(1), {
      repository: await server.repository('/short', 'short'),
    });
    expect(await ended(store.database, short)).toBe('complete');
    expect(await ended(store.database, long)).toBe('complete');
    expect(order).toEqual([`${long} 1`, `${short} 1`, `${long} 2`]);
  });

  test('lets a second run for the same branch wait, and a third one not', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const repository = await server.repository();
    const first = await submit(server, store, names(1), { repository });
    const second = await submit(server, store, names(1), { repository });
    expect(await statusOf(store.database, second)).toBe('waiting');
    await expect(submit(server, store, names(1), { repository })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(second),
    });
    const order: string[] = [];
    await store.work(async ({ run, unit }) => {
      order.push(run);
      return complete(unit);
    });
    expect(await ended(store.database, second)).toBe('complete');
    expect(order).toEqual([first, second]);
  });

  test('asks once for one source', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const repository = await server.repository();
    const ask = async (run: string) =>
      store.runStore.submit({ repository, start: started(names(1), run), plan: PLAN, source: 'comment 1' });
    expect([await ask('source0001'), await ask('source0002')].map(({ run }) => run)).toEqual([
      'source0001',
      'source0001',
    ]);
    expect(await store.database.selectFrom('runs').select('id').execute()).toHaveLength(1);
  });

  test('waits before it tries a unit again that was given back until later, and goes on with others', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const order: { readonly unit: string; readonly at: number }[] = [];
    await store.work(
      async ({ unit }) => {
        order.push({ unit, at: Date.now() });
        const until = Date.now() + 1_500;
        const isFirst = order.filter((each) => each.unit === 'urgent').length === 1 && unit === 'urgent';
        return isFirst ? [{ type: 'unit.released', unit, reason: 'limited', until }] : complete(unit);
      },
      { concurrency: 1 },
    );
    const run = await submit(server, store, [plannedUnit('urgent', { tasks: 9 }), ...names(3)]);
    expect(await ended(store.database, run)).toBe('complete');
    expect(order.map(({ unit }) => unit)).toEqual(['urgent', 'u0', 'u1', 'u2', 'urgent']);
    expect((order[4]?.at ?? 0) - (order[0]?.at ?? 0)).toBeGreaterThanOrEqual(1_490);
  });

  test('keeps the limit of a run though nobody else wants the slots', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    let [now, most] = [0, 0];
    await store.work(
      async ({ unit }) => {
        most = Math.max(most, (now += 1));
        await new Promise((resolve) => setTimeout(resolve, 40));
        now -= 1;
        return complete(unit);
      },
      { concurrency: 8 },
    );
    const run = await submit(server, store, names(9), { parallelism: 2 });
    expect(await ended(store.database, run)).toBe('complete');
    expect(most).toBe(2);
  });
});

describe('a worker that dies', () => {
  test.each<readonly [string, string | undefined, string, number]>([
    ['on this machine', undefined, 'its worker died', 0],
    // Its last heartbeat may be as old as the next one is far.
    [
      'on another machine',
      'elsewhere',
      'its worker fell silent',
      WORKER_TIMES.believedMs - WORKER_TIMES.beatMs,
    ],
  ])('%s: its units go on in time, and it is not believed any more', async (_, host, reason, afterMs) => {
    await using server = await openServerStore();
    await using store = await server.open();
    const run = await submit(server, store, names(3));
    const {
      host: socket,
      user,
      database,
    } = server.address as { host: string; user: string; database: string };
    const holder = execa(process.execPath, [HOLDER, socket, user, database], { reject: false });
    const held: string[] = [];
    for await (const line of createInterface({ input: holder.stdout })) if (held.push(line) === 3) break;
    if (host !== undefined) await store.database.updateTable('workers').set({ host }).execute();
    const [before] = await store.database.selectFrom('units').selectAll().where('id', '=', 'u0').execute();
    const worked: Claim[] = [];
    await store.work(async (claim) => {
      worked.push(claim);
      return complete(claim.unit);
    });
    await new Promise((resolve) => setTimeout(resolve, 1.5 * WORKER_TIMES.lookMs));
    expect(worked).toEqual([]); // it lives
    const killedAt = performance.now();
    holder.kill('SIGKILL');
    await holder;
    expect(await ended(store.database, run)).toBe('complete');
    expect(performance.now() - killedAt).toBeGreaterThan(afterMs);
    const { rows } = await sql`
      select distinct body->>'reason' as reason from events where body->>'type' = 'unit.released'`.execute(
      store.database,
    );
    expect(rows).toEqual([{ reason }]);
    expect(worked.map(({ claim }) => claim)).toEqual([2, 2, 2]);
    const late = {
      unit: 'u0',
      claim: 1,
      worker: before?.worker ?? 0,
      batch: 1,
      events: complete('u0'),
      ended: true,
    };
    await expect(store.runStore.write(run, late)).rejects.toMatchObject({ code: 'conflict' });
    expect(await leftOver(store.database)).toEqual(NOTHING);
    expect(await store.database.selectFrom('workers').select('number').execute()).toHaveLength(1);
  });

  test('over the same unit again and again: the unit ends', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    let tries = 0;
    const dispatcher = await store.work(async () => {
      tries += 1;
      throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
    });
    const run = await submit(server, store, names(1));
    expect(await ended(store.database, run)).toBe('failed');
    expect(tries).toBe(6);
    expect(dispatcher.claims).toEqual([]);
  });
});

/** A fifth of the real times, which a worker on another machine is waited for with above. */
const SHORT: WorkerTimes = { lookMs: 200, beatMs: 600, cutOffMs: 1_600, believedMs: 2_000 };

describe('a worker that is cut off', () => {
  test('stops what it does by itself, and comes back', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const { host, user, database } = server.address as { host: string; user: string; database: string };
    await using proxy = await openDatabaseProxy(host);
    await using cutOff = await openProcess({ host: proxy.host, user, database });
    const claims: Claim[] = [];
    const stopped = Promise.withResolvers<number>();
    await cutOff.work(
      async (claim, { signal }) => {
        claims.push(claim);
        if (claims.length > 1) return complete(claim.unit);
        signal.addEventListener('abort', () => stopped.resolve(performance.now()));
        await stopped.promise;
        return complete(claim.unit); // too late
      },
      { times: SHORT },
    );
    const run = await submit(server, store, names(1));
    await expect.poll(() => claims.length, { timeout: 5_000 }).toBe(1);
    proxy.silence();
    const stoppedAt = await stopped.promise;
    // The others take the unit over, and nobody hears of the first one's end.
    const other: Claim[] = [];
    const done = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<number>();
    await store.work(
      async (claim) => {
        other.push(claim);
        begun.resolve(performance.now());
        await done.promise;
        return complete(claim.unit);
      },
      { times: SHORT },
    );
    expect(await begun.promise).toBeGreaterThan(stoppedAt);
    expect(other).toHaveLength(1);
    proxy.mend();
    await new Promise((resolve) => setTimeout(resolve, 5 * SHORT.lookMs)); // its end is refused, whenever it comes
    expect(await statusOf(store.database, run)).toBe('running');
    done.resolve();
    expect(await ended(store.database, run)).toBe('complete');
    const again = await submit(server, store, names(8));
    expect(await ended(store.database, again)).toBe('complete');
    expect(claims.length).toBeGreaterThan(1); // it works again
  });
});

describe('a worker that is told to stop', () => {
  test('waits for what it does, takes nothing new, and hands the rest back', async () => {
    await using server = await openServerStore();
    await using store = await server.open();
    const begun: string[] = [];
    const short = Promise.withResolvers<void>();
    const dispatcher = await store.work(
      async ({ unit }, { signal }) => {
        begun.push(unit);
        if (unit === 'u0') {
          await short.promise;
          return complete(unit);
        }
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return [{ type: 'unit.released', unit, reason: 'stopped', until: null }];
      },
      { concurrency: 2 },
    );
    const run = await submit(server, store, names(4));
    await expect.poll(() => begun.length).toBe(2);
    const draining = dispatcher.drain(1_000);
    short.resolve();
    await draining;
    expect(begun).toHaveLength(2);
    const rows = await store.database
      .selectFrom('units')
      .select(['state', 'worker'])
      .where('run', '=', run)
      .execute();
    expect(rows.map(({ state }) => state).sort()).toEqual(['complete', 'queued', 'queued', 'queued']);
    expect(rows.filter(({ worker }) => worker !== null)).toEqual([]);
  });
});
