import { sql } from 'kysely';
import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import type { EventBody } from '../../../../src/events/event.ts';
import { openDatabase } from '../../../../src/store/database/database.ts';
import { migrate, migrationStatus } from '../../../../src/store/database/migrate.ts';
import { claimUnits } from '../../../../src/store/queue/claims.ts';
import { registerWorker } from '../../../../src/store/queue/worker-registry.ts';
import { PostgresStore } from '../../../../src/store/runs/postgres.ts';
import { retryRun } from '../../../../src/store/runs/change-run.ts';
import { openTestDatabase } from '../../../helpers/database.ts';
import { type Cluster, startCluster, whyNoCluster } from '../../../helpers/own-cluster.ts';
import { factsOf, plannedUnit, started } from '../../../helpers/run-events.ts';
import type { StoreProcess } from '../../../helpers/server-process.ts';
import { openServerStore, type ServerStore } from '../../../helpers/server-store.ts';
import { describeStore, type StorePlace, type WrittenStore } from '../../../helpers/store-contract.ts';

const onError = (): void => {};

describeStore('the built-in PostgreSQL', async () => openPlace(await openServerStore()));

describe.skipIf(whyNoCluster !== '')(`on a server of the operator's${whyNoCluster}`, () => {
  let cluster: Promise<Cluster> | undefined;
  afterAll(async () => (await cluster)?.[Symbol.asyncDispose]());
  describeStore("the operator's PostgreSQL", async () => {
    cluster ??= startCluster();
    const { host, run } = await cluster;
    const database = `test_${randomUUID().replaceAll('-', '')}`;
    await run('createdb', '-h', host, '-U', 'choo', database);
    return openPlace(await openServerStore({ host, user: 'choo', database }));
  });
});

/** A place for stores in one database; disposes of it. */
async function openPlace(server: ServerStore): Promise<StorePlace> {
  await using stack = new AsyncDisposableStack();
  stack.use(server);
  const process = stack.use(await server.open());
  const repository = await server.repository();
  const worker = await openWorker(process);
  const kept = stack.move();
  return {
    open: () => openWritten(process, repository, worker),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

/** Events of runs, written as a worker does that claimed their units. */
interface Worker {
  readonly add: (run: string, events: readonly EventBody[]) => Promise<void>;
}

async function openWorker({ database, runStore }: StoreProcess): Promise<Worker> {
  const { number: worker } = await registerWorker(database, 'test');
  const claims = new Map<string, { readonly claim: number; batch: number }>();
  let claiming = Promise.resolve();
  const claim = async (): Promise<void> => {
    for (const { run, unit, claim } of await claimUnits(database, worker, { free: 10 }))
      claims.set(`${run}/${unit}`, { claim, batch: 0 });
  };
  return {
    add: async (run, events) => {
      const unit =
        events.flatMap((event) => ('unit' in event && event.unit !== null ? [event.unit] : []))[0] ?? '';
      const key = `${run}/${unit}`;
      claiming = claiming.then(async () => (claims.has(key) ? undefined : claim()));
      await claiming;
      const held = claims.get(key);
      if (held === undefined) throw new Error(`unit ${unit} of run ${run} is not to be claimed`);
      held.batch += 1;
      const ended = events.some(({ type }) => type === 'unit.completed' || type === 'unit.failed');
      if (ended) claims.delete(key);
      await runStore.write(run, { ...held, unit, worker, events, ended });
    },
  };
}

/** What production reads with, and what it writes with: runs are submitted, and their units' events come from claims. */
function openWritten(process: StoreProcess, repository: string, { add }: Worker): WrittenStore {
  const { runStore } = process;
  const store = new PostgresStore(process.database, process.listener, repository);
  return {
    read: store.read.bind(store),
    subscribe: store.subscribe.bind(store),
    runs: store.runs.bind(store),
    record: store.record.bind(store),
    begin: async (start) => void (await runStore.submit({ repository, start, plan: {} })),
    add,
    retry: async (run, unit, from) =>
      void (await retryRun(runStore, { run, units: [unit], actor: 'ann', from })),
    [Symbol.asyncDispose]: async () => store[Symbol.asyncDispose](),
  };
}

describe('events in PostgreSQL', () => {
  test('hold every text there is', async () => {
    await using place = await openPlace(await openServerStore());
    await using store = place.open();
    const texts = ['\0', '\ud800', '\u2028\u0007', '"\\', '😀'.repeat(1_000)];
    const facts = factsOf('api');
    await store.begin(started([plannedUnit('api')]));
    await store.add(
      'run0000001',
      texts.map((text) => facts.notice(text)),
    );
    const read = await store.read('run0000001', 2);
    expect(read.map((event) => (event.type === 'unit.notice' ? event.message : ''))).toEqual(texts);
  });

  test('are of one repository each', async () => {
    await using server = await openServerStore();
    await using process = await server.open();
    const worker = await openWorker(process);
    await using one = openWritten(process, await server.repository(), worker);
    await using two = openWritten(process, await server.repository(), worker);
    const facts = factsOf('api');
    await one.begin(started([plannedUnit('api')]));
    await one.add('run0000001', [facts.started(), facts.pushed()]);
    expect(await one.record('main', 'api')).toMatchObject({ run: 'run0000001' });
    expect([await two.runs(), await two.record('main', 'api')]).toEqual([[], undefined]);
  });
});

describe('the tables', () => {
  test('are made once, however many processes start at once', async () => {
    await using place = await openTestDatabase();
    const databases = Array.from({ length: 10 }, () =>
      openDatabase(place.connection, { name: 'test', size: 1, onError }),
    );
    const done = await Promise.all(databases.map(async (database) => migrate(database)));
    const [database] = databases;
    const status = database === undefined ? [] : await migrationStatus(database);
    expect(done.flat()).toEqual(status.map(({ name }) => name));
    expect(status.map(({ appliedAt }) => appliedAt)).toEqual(status.map(() => expect.any(Date)));
    await Promise.all(databases.map(async (each) => each.destroy()));
  });

  test('of a newer choo are left alone', async () => {
    await using server = await openServerStore();
    await using process = await server.open();
    await sql`insert into migrations (name, timestamp) values ('9999-later', now()::text)`.execute(
      process.database,
    );
    const refusal = { code: 'environment', message: expect.stringContaining('9999-later') };
    await expect(migrate(process.database)).rejects.toMatchObject(refusal);
    await expect(migrationStatus(process.database)).rejects.toMatchObject(refusal);
  });
});
