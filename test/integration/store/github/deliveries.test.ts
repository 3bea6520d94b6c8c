import { execa } from 'execa';
import { sql } from 'kysely';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Database } from '../../../../src/store/database/database.ts';
import { DeliveryQueue, type Handled, type NewDelivery } from '../../../../src/store/github/deliveries.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

const DONE: Handled = { kind: 'done' };

const delivery = (id: string, more: Partial<NewDelivery> = {}): NewDelivery => ({
  id,
  event: 'push',
  payload: { id },
  thread: 'one',
  repository: 7,
  ...more,
});

/** Times at which a test need not wait long. */
const SHORT = { lastsMs: 1_500, renewMs: 150, cutOffMs: 1_200 };
/** A process that begins to handle a delivery and does not end. */
const HOLDER = fileURLToPath(new URL('../../../fixtures/hold-delivery.ts', import.meta.url));

/** Two processes of a server, each with its deliveries. */
async function open() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openServerStore());
  const [first, second] = [stack.use(await server.open()), stack.use(await server.open())];
  const kept = stack.move();
  return {
    database: first.database,
    address: server.address as { host: string; user: string; database: string },
    runStore: new DeliveryQueue(first.database, SHORT),
    other: new DeliveryQueue(second.database, SHORT),
    /** With the times that a server has. */
    patient: new DeliveryQueue(second.database),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

/** Handles one and says which it was. */
async function next(runStore: DeliveryQueue, result: Handled = DONE): Promise<string | undefined> {
  let id: string | undefined;
  await runStore.handleNext(async (delivery) => {
    id = delivery.id;
    return result;
  });
  return id;
}

/** How many connections to the database are in a transaction and idle. */
async function countTransactions(database: Database): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%'`.execute(database);
  return rows[0]?.n ?? 0;
}

async function leaseOf(database: Database, id: string): Promise<Date> {
  const { rows } = await sql<{ until: Date }>`
    select leased_until as until from deliveries where id = ${id}`.execute(database);
  return rows[0]?.until ?? new Date(0);
}

/** Waits for a condition. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await wait(20);
}

describe('deliveries', () => {
  test('are kept once for each id, many at a time, whatever is in them', async () => {
    await using world = await open();
    const odd = { text: 'a\u0000b \ud800 \u{1f600}' };
    const all = Array.from({ length: 450 }, (_, index) => delivery(`d${index % 400}`, { payload: odd }));
    await Promise.all(all.map(async (each) => world.runStore.receive(each)));
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from deliveries`.execute(
      world.database,
    );
    expect(rows).toEqual([{ n: 400 }]);
  });

  test('of one thread are handled in the order they came, one at a time, by whichever process', async () => {
    await using world = await open();
    for (const id of ['a1', 'a2']) await world.runStore.receive(delivery(id, { thread: 'a' }));
    await world.runStore.receive(delivery('b1', { thread: 'b' }));
    const [inside, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = world.runStore.handleNext(async ({ id }) => {
      expect(id).toBe('a1');
      inside.resolve();
      await leave.promise;
      return DONE;
    });
    await inside.promise;
    expect(await next(world.other)).toBe('b1'); // a2 waits for a1
    expect(await next(world.other)).toBeUndefined();
    leave.resolve();
    await first;
    expect(await next(world.other)).toBe('a2');
    expect(await next(world.other)).toBeUndefined();
  });

  test('stay with the process that handles them for as long as it takes', async () => {
    await using world = await open();
    await world.runStore.receive(delivery('a'));
    const [inside, leave] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<Handled>()];
    const handling = world.runStore.handleNext(async (_, signal) => {
      inside.resolve(signal);
      return leave.promise;
    });
    const signal = await inside.promise;
    const first = await leaseOf(world.database, 'a');
    await until(async () => (await leaseOf(world.database, 'a')).getTime() > first.getTime() + SHORT.lastsMs);
    expect([await next(world.other), signal.aborted]).toEqual([undefined, false]);
    leave.resolve(DONE);
    expect(await handling).toEqual(DONE);
    expect(await next(world.other)).toBeUndefined();
  });

  test('whose lease was lost are handled again by another process, and the first can write nothing of them', async () => {
    await using world = await open();
    await world.runStore.receive(delivery('a'));
    const inside = Promise.withResolvers<void>();
    const handling = world.runStore.handleNext(async (_, signal) => {
      inside.resolve();
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(DONE)));
    });
    await inside.promise;
    // As a process that took it over when its lease had expired, and lost it, too.
    await sql`update deliveries set lease = lease + 1, leased_until = now()`.execute(world.database);
    expect(await next(world.other, { kind: 'failed', reason: 'the other says so' })).toBe('a');
    expect(await handling).toEqual({ kind: 'lost' });
    const { rows } = await sql`select handled_at, tries, trouble from deliveries`.execute(world.database);
    expect(rows).toEqual([{ handled_at: null, tries: 1, trouble: 'the other says so' }]);
  });

  test('end at once, and are handled again, where the database cannot be reached to keep them', async () => {
    await using world = await open();
    await world.runStore.receive(delivery('a'));
    const handling = world.runStore.handleNext(async (_, signal) => {
      await sql`alter table deliveries rename column leased_until to away`.execute(world.database);
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(DONE)));
    });
    expect(await handling).toEqual({ kind: 'lost' });
    await sql`alter table deliveries rename column away to leased_until`.execute(world.database);
    await until(async () => (await next(world.other)) === 'a');
  });

  test('are free again at once when their process was killed, on the same machine', async () => {
    await using world = await open();
    await world.runStore.receive(delivery('a'));
    const { host, user, database } = world.address;
    const child = execa(process.execPath, [HOLDER, host, user, database], { reject: false });
    for await (const line of createInterface({ input: child.stdout })) {
      expect(line).toBe('a');
      expect(await next(world.patient)).toBeUndefined();
      child.kill('SIGKILL');
    }
    await child;
    expect(await next(world.patient)).toBe('a');
  });

  test('hold no transaction open while they are handled', async () => {
    await using world = await open();
    await world.runStore.receive(delivery('a'));
    let idle: unknown;
    await world.runStore.handleNext(async () => {
      idle = await countTransactions(world.database);
      return DONE;
    });
    expect(idle).toBe(0);
  });

  test('that fail are tried again later, and given up in the end, so that their thread goes on', async () => {
    await using world = await open();
    await world.runStore.receive(delivery('bad'));
    await world.runStore.receive(delivery('good'));
    const again = sql`update deliveries set not_before = '-infinity'`;
    for (let tries = 0; tries < 8; tries += 1) {
      expect(await next(world.runStore, { kind: 'failed', reason: 'no' })).toBe('bad');
      await again.execute(world.database);
    }
    expect(await next(world.runStore)).toBe('good');
    const { rows } = await sql`select id, tries, trouble from deliveries order by number`.execute(
      world.database,
    );
    expect(rows).toEqual([
      { id: 'bad', tries: 8, trouble: 'no' },
      { id: 'good', tries: 0, trouble: null },
    ]);
  });

  test('that have to wait do so without counting as failed, and their thread with them', async () => {
    await using world = await open();
    await world.runStore.receive(delivery('a'));
    await world.runStore.receive(delivery('b'));
    const until = new Date(Date.now() + 60_000);
    expect(await next(world.runStore, { kind: 'later', until, reason: 'down' })).toBe('a');
    expect(await next(world.runStore)).toBeUndefined();
    await sql`update deliveries set not_before = '-infinity'`.execute(world.database);
    expect(await next(world.runStore)).toBe('a');
    expect(await next(world.runStore)).toBe('b');
  });
});
