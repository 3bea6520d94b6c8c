import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../../src/store/database/database.ts';
import { claimUnits } from '../../../../src/store/queue/claims.ts';
import { registerWorker } from '../../../../src/store/queue/worker-registry.ts';
import type { StoreProcess } from '../../../helpers/server-process.ts';
import { openServerStore, type ServerStore } from '../../../helpers/server-store.ts';

/** A run with units that wait; by itself in a repository of its own. */
interface Waiting {
  readonly run: string;
  readonly repository: string;
  readonly installation: string;
  readonly queued: number;
  /** Slots that it has. */
  readonly held: number;
  readonly parallelism: number;
  readonly maxUnits: number | null;
  /** When it, and its installation, last got a slot. */
  readonly served: number;
  readonly installationServed: number;
}

function waiting(run: string, change: Partial<Waiting> = {}): Waiting {
  return {
    run,
    repository: run,
    installation: 'one',
    queued: 9,
    held: 0,
    parallelism: 100,
    maxUnits: null,
    served: 0,
    installationServed: 0,
    ...change,
  };
}

let server: ServerStore;
let store: StoreProcess;
let workers: readonly number[];
beforeAll(async () => {
  server = await openServerStore();
  store = await server.open();
  const registered = [
    await registerWorker(store.database, 'me'),
    await registerWorker(store.database, 'them'),
  ];
  workers = registered.map(({ number }) => number);
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** The runs that get slots, in their order: what a claim of one more brings, for each number of slots. */
async function slotsOf(runs: readonly Waiting[], slots: number, all?: number): Promise<readonly string[]> {
  const order: string[] = [];
  for (let free = 1; free <= slots; free += 1) {
    const claimed = await claim(runs, free, all);
    const before = new Map(Map.groupBy(order, (run) => run));
    const counts = Map.groupBy(claimed, (run) => run);
    const added = [...counts].filter(([run, { length }]) => length > (before.get(run)?.length ?? 0));
    if (claimed.length === order.length) return order;
    expect([claimed.length, added.length]).toEqual([order.length + 1, 1]);
    order.push(added[0]?.[0] ?? '');
  }
  return order;
}

class Undo extends Error {}

/** The run of each claimed unit, when so many slots are free. Nothing stays. */
async function claim(runs: readonly Waiting[], free: number, all?: number): Promise<readonly string[]> {
  let claimed: readonly string[] = [];
  const transaction = store.database.transaction().execute(async (trx) => {
    await insert(trx, runs);
    claimed = (await claimUnits(trx, workers[0] ?? 0, { free, all })).map(({ run }) => run.trimEnd());
    throw new Undo();
  });
  await expect(transaction).rejects.toThrow(Undo);
  return claimed.map((run) => run.replaceAll('0', ''));
}

async function insert(trx: Database, runs: readonly Waiting[]): Promise<void> {
  for (const each of runs) {
    const run = each.run.padStart(10, '0');
    await sql`insert into installations (name, served) values (${each.installation}, ${each.installationServed})
      on conflict do nothing`.execute(trx);
    await sql`insert into repositories (remote, installation, max_units)
      values (${each.repository}, ${each.installation}, ${each.maxUnits}) on conflict do nothing`.execute(
      trx,
    );
    await sql`insert into runs (id, repository, target, status, seq, last_at, parallelism, plan)
      select ${run}, id, ${run}, 'running', 0, 0, ${each.parallelism}, '{}' from repositories
      where remote = ${each.repository}`.execute(trx);
    await sql`insert into run_turns values (${run}, ${each.served})`.execute(trx);
    await sql`insert into units (run, id, state, key, provider, priority, worker)
      select ${run}, 'u' || number, case when number <= ${each.held}::int then 'running' else 'queued' end, '', '', 1,
        case when number <= ${each.held}::int then ${workers[1]}::int end
      from generate_series(1, ${each.held + each.queued}::int) as number`.execute(trx);
  }
}

describe('slots', () => {
  test.each<[string, readonly Waiting[], number, readonly string[], number?]>([
    ['go to nobody where nobody waits', [], 3, []],
    ['go no further than what waits', [waiting('a', { queued: 2 })], 5, ['a', 'a']],
    ['go no further than a run has room', [waiting('a', { held: 2, parallelism: 3 })], 5, ['a']],
    ['go no further than all have room', [waiting('a', { held: 2 })], 5, ['a', 'a'], 4],
    ['go to nobody when all have more than there are', [waiting('a', { held: 2 })], 5, [], 1],
    ['go no further than a repository has room', [waiting('a', { held: 1, maxUnits: 3 })], 5, ['a', 'a']],
    [
      'go no further than a repository has room for all its runs',
      [waiting('a', { repository: 'r', maxUnits: 2 }), waiting('b', { repository: 'r', maxUnits: 2 })],
      5,
      ['a', 'b'],
    ],
    ['go round between the runs of one', [waiting('a'), waiting('b')], 4, ['a', 'b', 'a', 'b']],
    [
      'go first to who was served longest ago',
      [
        waiting('a', { served: 9, installationServed: 9 }),
        waiting('b', { served: 3, installationServed: 9 }),
      ],
      3,
      ['b', 'a', 'b'],
    ],
    [
      'go round between installations, however many runs one has',
      [waiting('a'), waiting('b'), waiting('c', { installation: 'two' })],
      4,
      ['a', 'c', 'b', 'c'],
    ],
    [
      'go to an installation that has waited before one that has just been served',
      [
        waiting('a', { installationServed: 7, served: 7 }),
        waiting('z', { installation: 'two', installationServed: 2 }),
      ],
      1,
      ['z'],
    ],
    [
      'go to an installation until it has as many as the others, whoever was served before',
      [
        waiting('a', { held: 3, installationServed: 1 }),
        waiting('z', { installation: 'two', held: 1, installationServed: 9 }),
      ],
      4,
      ['z', 'z', 'a', 'z'],
    ],
  ])('%s', async (_, runs, slots, expected, all) => {
    expect(await slotsOf(runs, slots, all)).toEqual(expected);
  });

  test('are divided as if they were given one by one', async () => {
    const repositories = [
      { repository: 'p', installation: 'one', installationServed: 5, maxUnits: null },
      { repository: 'q', installation: 'one', installationServed: 5, maxUnits: 3 },
      { repository: 'r', installation: 'two', installationServed: 2, maxUnits: null },
      { repository: 's', installation: 'three', installationServed: 8, maxUnits: 2 },
    ];
    const runs = fc.uniqueArray(
      fc.record({
        run: fc.constantFrom(...'abcdefgh'),
        where: fc.constantFrom(...repositories),
        queued: fc.nat({ max: 4 }),
        held: fc.nat({ max: 3 }),
        parallelism: fc.integer({ min: 1, max: 5 }),
        served: fc.nat({ max: 9 }),
      }),
      { selector: ({ run }) => run, minLength: 1 },
    );
    await fc.assert(
      fc.asyncProperty(
        runs,
        fc.nat({ max: 12 }),
        fc.option(fc.integer({ min: 1, max: 20 })),
        async (list, free, all) => {
          const each = list.map(({ run, where, ...rest }) => waiting(run, { ...where, ...rest }));
          const claimed = await claim(each, free, all ?? undefined);
          expect(claimed.toSorted()).toEqual(giveOneByOne(each, free, all ?? Infinity).toSorted());
        },
      ),
      { numRuns: 150 },
    );
  });

  test('are noted, so that whoever was served waits until the others were', async () => {
    const undone = store.database.transaction().execute(async (trx) => {
      await insert(trx, [
        waiting('a', { served: 4, installationServed: 6 }),
        waiting('b', { installationServed: 6 }),
      ]);
      await claimUnits(trx, workers[0] ?? 0, { free: 3 });
      const { rows } = await sql`
        select (select served from installations where name = 'one')::int as installation,
               array(select served::int from run_turns order by run) as runs`.execute(trx);
      expect(rows).toEqual([{ installation: 9, runs: [8, 9] }]);
      throw new Undo();
    });
    await expect(undone).rejects.toThrow(Undo);
  });
});

/** The rule, said slowly: to the installation with the fewest, then the one that waited longest; in it to the run that did. */
function giveOneByOne(runs: readonly Waiting[], free: number, all: number): readonly string[] {
  const left = runs.map((run) => ({ ...run }));
  const heldBy = (what: 'installation' | 'repository', name: string): number =>
    left.reduce((sum, each) => sum + (each[what] === name ? each.held : 0), 0);
  const servedAt = new Map(
    runs.map(({ installation, installationServed }) => [installation, installationServed]),
  );
  const order: string[] = [];
  let clock = 100;
  while (order.length < free && left.reduce((sum, { held }) => sum + held, 0) < all) {
    const [next] = left
      .filter(
        ({ queued, held, parallelism, repository, maxUnits }) =>
          queued > 0 && held < parallelism && heldBy('repository', repository) < (maxUnits ?? Infinity),
      )
      .sort(
        (a, b) =>
          heldBy('installation', a.installation) - heldBy('installation', b.installation) ||
          (servedAt.get(a.installation) ?? 0) - (servedAt.get(b.installation) ?? 0) ||
          a.served - b.served ||
          (a.run < b.run ? -1 : 1),
      );
    if (next === undefined) break;
    clock += 1;
    servedAt.set(next.installation, clock);
    Object.assign(next, { served: clock, queued: next.queued - 1, held: next.held + 1 });
    order.push(next.run);
  }
  return order;
}
