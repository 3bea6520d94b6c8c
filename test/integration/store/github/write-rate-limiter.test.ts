import { expect, test } from 'vitest';
import { WriteRateLimiter } from '../../../../src/store/github/write-rate-limiter.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

test('changes of one installation come one after the other with a pause, whoever makes them', async () => {
  await using server = await openServerStore();
  await using first = await server.open();
  await using second = await server.open();
  const turns = [new WriteRateLimiter(first.database, 100), new WriteRateLimiter(second.database, 100)];
  const from = performance.now();
  const times: number[] = [];
  await Promise.all(
    [0, 1, 0, 1, 0, 1].map(async (process) => {
      await turns[process]?.acquire(7);
      times.push(performance.now());
    }),
  );
  // None comes before its turn; each may be late.
  for (const [transaction, time] of times.entries())
    expect(time - from).toBeGreaterThan(100 * transaction - 10);
  // Another installation does not wait for it: else this test would end by its time limit.
  const slow = new WriteRateLimiter(first.database, 600_000);
  await slow.acquire(7);
  await slow.acquire(8);
});

test('what GitHub asks to wait for, all processes wait for', async () => {
  await using server = await openServerStore();
  await using first = await server.open();
  await using second = await server.open();
  const [one, other] = [new WriteRateLimiter(first.database, 10), new WriteRateLimiter(second.database, 10)];
  const until = new Date(Date.now() + 60_000);
  await one.pauseUntil(7, until);
  expect(await other.acquire(7)).toEqual(until);
  await one.pauseUntil(7, new Date()); // who asks for less does not make it shorter
  expect(await other.acquire(7)).toEqual(until);
  expect(await other.acquire(8)).toBeUndefined();
});
