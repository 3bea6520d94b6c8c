import { expect, test } from 'vitest';
import { type BodyReservation, BodyMemory } from '../../../src/web/body-memory.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A room, what was said to those in it, and a way in. */
function openRoom(): {
  readonly evicted: string[];
  readonly granted: string[];
  readonly enter: (
    name: string,
    isKnown?: boolean,
  ) => BodyReservation & { readonly wait: () => Promise<void> };
} {
  const room = new BodyMemory();
  const evicted: string[] = [];
  const granted: string[] = [];
  const enter = (name: string, isKnown = false) => {
    const place = room.reserve({ isKnown, onEvicted: () => void evicted.push(name) });
    const wait = async (): Promise<void> => void ((await place.waitForLargeSlot()) && granted.push(name));
    return { ...place, wait, [Symbol.dispose]: () => place[Symbol.dispose]() };
  };
  return { evicted, granted, enter };
}

test('the largest goes when there is no room, and none of 19 KiB ever beside all other connections', () => {
  const { enter, evicted } = openRoom();
  const honest = enter('honest');
  honest.add(19 * KIB);
  for (let count = 0; count < 2_047; count += 1) enter(`stranger ${count}`).add(MIB);
  expect(evicted).not.toContain('honest');
  expect(evicted).toHaveLength(2_047 - 38);
});

test('a stranger goes before a known sender, and nobody whose signature holds', () => {
  const { enter, evicted } = openRoom();
  const known = enter('known', true);
  known.add(MIB);
  const valid = enter('valid');
  valid.add(MIB);
  valid.markValid();
  for (let count = 0; count < 37; count += 1) enter(`stranger ${count}`).add(MIB);
  expect(evicted).toEqual([]);
  enter('last').add(10 * KIB);
  expect(evicted).toEqual(['stranger 0']);
});

test('what is answered leaves its room to others', () => {
  const { enter, evicted } = openRoom();
  for (let count = 0; count < 1_000; count += 1) {
    using place = enter(`body ${count}`);
    place.add(MIB);
  }
  expect(evicted).toEqual([]);
});

test('who comes when all room is taken by what is valid goes', () => {
  const { enter, evicted } = openRoom();
  for (let count = 0; count < 39; count += 1) {
    const place = enter(`valid ${count}`, true);
    place.add(MIB);
    place.markValid();
  }
  enter('late', true).add(1);
  expect(evicted).toEqual(['late']);
});

test('what still comes of a body that had to go takes no room', () => {
  const { enter, evicted } = openRoom();
  const valid = Array.from({ length: 39 }, (_, count) => enter(`valid ${count}`));
  for (const place of valid) {
    place.add(MIB);
    place.markValid();
  }
  using late = enter('late');
  for (let count = 0; count < 40; count += 1) late.add(MIB);
  for (const place of valid) place[Symbol.dispose]();
  enter('next').add(MIB);
  expect(new Set(evicted)).toEqual(new Set(['late']));
});

test('large ones come one at a time, in order, known senders first', async () => {
  const { enter, granted, evicted } = openRoom();
  const [first, second, third] = [enter('first', true), enter('second'), enter('third', true)];
  await first.wait();
  const [later, soon] = [second.wait(), third.wait()];
  expect(granted).toEqual(['first']);
  first[Symbol.dispose]();
  await soon;
  third[Symbol.dispose]();
  await later;
  expect(granted).toEqual(['first', 'third', 'second']);
  expect(evicted).toEqual([]);
});

test('a stranger loses the turn to a known sender, unless its signature holds', async () => {
  const { enter, granted, evicted } = openRoom();
  await enter('stranger').wait();
  const known = enter('known', true);
  await known.wait();
  expect([granted, evicted]).toEqual([['stranger', 'known'], ['stranger']]);
  known[Symbol.dispose]();
  const valid = enter('valid');
  await valid.wait();
  valid.markValid();
  const next = enter('next', true).wait();
  valid[Symbol.dispose]();
  await next;
  expect([granted, evicted]).toEqual([['stranger', 'known', 'valid', 'next'], ['stranger']]);
});

test('the line for the turn is short: the stranger who waits longest leaves it', async () => {
  const { enter, evicted } = openRoom();
  await enter('holder', true).wait();
  const waiting = Array.from({ length: 66 }, async (_, count) =>
    enter(`waiting ${count}`, count === 0).wait(),
  );
  await waiting[1];
  await waiting[2];
  expect(evicted).toEqual(['waiting 1', 'waiting 2']);
});
