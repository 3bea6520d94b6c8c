import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DeliveryBook, type Handled, type NewDelivery } from '../../../../src/store/github/deliveries.ts';
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

/** Two processes of a server, each with its deliveries. */
async function open() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openServerStore());
  const [first, second] = [stack.use(await server.open()), stack.use(await server.open())];
  const kept = stack.move();
  return {
    database: first.database,
    book: new DeliveryBook(first.database),
    other: new DeliveryBook(second.database),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

/** Handles one and says which it was. */
async function next(book: DeliveryBook, result: Handled = DONE): Promise<string | undefined> {
  let id: string | undefined;
  await book.handleNext(async (delivery) => {
    id = delivery.id;
    return result;
  });
  return id;
}

describe('deliveries', () => {
  test('are kept once for each id, many at a time, whatever is in them', async () => {
    await using world = await open();
    const odd = { text: 'a\u0000b \ud800 \u{1f600}' };
    const all = Array.from({ length: 450 }, (_, index) => delivery(`d${index % 400}`, { payload: odd }));
    await Promise.all(all.map(async (each) => world.book.receive(each)));
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from deliveries`.execute(
      world.database,
    );
    expect(rows).toEqual([{ n: 400 }]);
  });

  test('of one thread are handled in the order they came, one at a time, by whichever process', async () => {
    await using world = await open();
    for (const id of ['a1', 'a2']) await world.book.receive(delivery(id, { thread: 'a' }));
    await world.book.receive(delivery('b1', { thread: 'b' }));
    const [inside, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = world.book.handleNext(async ({ id }) => {
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

  test('are free again when the process that handles them loses its connection', async () => {
    await using world = await open();
    await world.book.receive(delivery('a'));
    const [inside, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<Handled>()];
    const lost = world.book.handleNext(async () => {
      inside.resolve();
      return leave.promise;
    });
    await inside.promise;
    expect(await next(world.other)).toBeUndefined();
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where pid != pg_backend_pid() and state = 'idle in transaction' and datname = current_database()`.execute(
      world.database,
    );
    expect(await next(world.other)).toBe('a');
    leave.resolve(DONE);
    await expect(lost).rejects.toThrow(/connection|terminat/i);
  });

  test('that fail are tried again later, and given up in the end, so that their thread goes on', async () => {
    await using world = await open();
    await world.book.receive(delivery('bad'));
    await world.book.receive(delivery('good'));
    const again = sql`update deliveries set not_before = '-infinity'`;
    for (let tries = 0; tries < 8; tries += 1) {
      expect(await next(world.book, { kind: 'failed', reason: 'no' })).toBe('bad');
      await again.execute(world.database);
    }
    expect(await next(world.book)).toBe('good');
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
    await world.book.receive(delivery('a'));
    await world.book.receive(delivery('b'));
    const until = new Date(Date.now() + 60_000);
    expect(await next(world.book, { kind: 'later', until, reason: 'down' })).toBe('a');
    expect(await next(world.book)).toBeUndefined();
    await sql`update deliveries set not_before = '-infinity'`.execute(world.database);
    expect(await next(world.book)).toBe('a');
    expect(await next(world.book)).toBe('b');
  });
});
