import { sql } from 'kysely';
import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../../../src/store/database/database.ts';
import { migrate, migrationStatus } from '../../../../src/store/database/migrate.ts';
import { PostgresStore } from '../../../../src/store/runs/postgres.ts';
import { openTestDatabase } from '../../../helpers/database.ts';
import { type Cluster, startCluster, whyNoCluster } from '../../../helpers/own-cluster.ts';
import { factsOf, plannedUnit, started } from '../../../helpers/run-events.ts';
import { openServerStore, type ServerStore } from '../../../helpers/server-store.ts';
import { describeStore, type StorePlace } from '../../../helpers/store-contract.ts';

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
  const kept = stack.move();
  return {
    open: () => new PostgresStore(process.database, process.listener, repository),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

describe('events in PostgreSQL', () => {
  test('hold every text there is', async () => {
    await using server = await openServerStore();
    await using process = await server.open();
    await using store = new PostgresStore(process.database, process.listener, await server.repository());
    const texts = ['\0', '\ud800', '\u2028\u0007', '"\\', '😀'.repeat(1_000)];
    const facts = factsOf('api');
    await store.append('run0000001', 0, [
      started([plannedUnit('api')]),
      ...texts.map((text) => facts.notice(text)),
    ]);
    const read = await store.read('run0000001', 1);
    expect(read.map((event) => (event.type === 'unit.notice' ? event.message : ''))).toEqual(texts);
  });

  test('are of one repository each', async () => {
    await using server = await openServerStore();
    await using process = await server.open();
    const [one, two] = [await server.repository(), await server.repository()].map(
      (repository) => new PostgresStore(process.database, process.listener, repository),
    );
    const facts = factsOf('api');
    await one?.append('run0000001', 0, [started([plannedUnit('api')]), facts.started(), facts.pushed()]);
    expect(await one?.record('main', 'api')).toMatchObject({ run: 'run0000001' });
    expect([await two?.runs(), await two?.record('main', 'api')]).toEqual([[], undefined]);
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
