import { expect, test } from 'vitest';
import { WriteTurns } from '../../../../src/store/github/write-turns.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

test('changes of one installation come one after the other with a pause, whoever makes them', async () => {
  await using server = await openServerStore();
  await using first = await server.open();
  await using second = await server.open();
  const turns = [new WriteTurns(first.database, 100), new WriteTurns(second.database, 100)];
  const times: number[] = [];
  await Promise.all(
    [0, 1, 0, 1, 0, 1].map(async (process) => {
      await turns[process]?.next(7);
      times.push(performance.now());
    }),
  );
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThan(70); // a timer may be late, and the next one less so
  // Another installation waits for nobody.
  const from = performance.now();
  await turns[0]?.next(8);
  expect(performance.now() - from).toBeLessThan(70);
});

test('what GitHub asks to wait for, all processes wait for', async () => {
  await using server = await openServerStore();
  await using first = await server.open();
  await using second = await server.open();
  const [one, other] = [new WriteTurns(first.database, 10), new WriteTurns(second.database, 10)];
  const until = new Date(Date.now() + 60_000);
  await one.hold(7, until);
  expect(await other.next(7)).toEqual(until);
  await one.hold(7, new Date()); // who asks for less does not make it shorter
  expect(await other.next(7)).toEqual(until);
  expect(await other.next(8)).toBeUndefined();
});
