import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/events/event.ts';
import { foldEvents } from '../../src/events/state.ts';
import type { Store } from '../../src/events/store.ts';
import { commit, factsOf, plannedUnit, started } from './run-events.ts';

/** A place where stores can be opened, again and again, as processes that follow each other would. */
export interface StorePlace extends AsyncDisposable {
  open(): Store;
}

const api = factsOf('api');
const RUN = 'run0000001';
const OTHER = 'run0000002';
const start = (run: string = RUN, key = 'key-of-api') =>
  started([plannedUnit('api', { tasks: 2, key }), plannedUnit('web')], run);

/** Waits for events until there are as many as wanted. */
async function collect(store: Store, run: string, after: number, wanted: number): Promise<RunEvent[]> {
  const enough = new AbortController();
  const seen: RunEvent[] = [];
  const watching = store.subscribe(
    run,
    after,
    (events) => {
      seen.push(...events);
      if (seen.length >= wanted) enough.abort();
    },
    AbortSignal.any([enough.signal, AbortSignal.timeout(20_000)]),
  );
  await watching;
  return seen;
}

/** What every store must do. */
export function describeStore(name: string, createPlace: () => Promise<StorePlace>): void {
  describe(`${name} as a store`, () => {
    test('gives back what was appended, numbered from 1, with times that never go back', async () => {
      await using place = await createPlace();
      await using store = place.open();
      const first = await store.append(RUN, 0, [start()]);
      const rest = await store.append(RUN, 1, [api.queued(), api.started(), api.notice('ü 漢 \n "\u2028')]);
      expect([...first, ...rest].map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
      expect(await store.read(RUN)).toEqual([...first, ...rest]);
      const times = [...first, ...rest].map(({ at }) => at);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    });

    test('reads from a number on, and nothing of a run that it does not know', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await store.append(RUN, 0, [start(), api.queued(), api.started()]);
      expect((await store.read(RUN, 2)).map(({ type }) => type)).toEqual(['unit.started']);
      expect(await store.read(RUN, 3)).toEqual([]);
      expect(await store.read(RUN, 99)).toEqual([]);
      expect(await store.read(OTHER)).toEqual([]);
    });

    test('goes on where an earlier process stopped', async () => {
      await using place = await createPlace();
      {
        await using store = place.open();
        await store.append(RUN, 0, [start()]);
      }
      await using store = place.open();
      const [event] = await store.append(RUN, 1, [api.queued()]);
      expect(event?.seq).toBe(2);
      expect(foldEvents(await store.read(RUN))?.seq).toBe(2);
    });

    test.each([0, 2, 99])(
      'refuses to append after %i when the last is 1, and adds nothing',
      async (expected) => {
        await using place = await createPlace();
        await using store = place.open();
        await store.append(RUN, 0, [start()]);
        await expect(store.append(RUN, expected, [api.queued()])).rejects.toMatchObject({ code: 'conflict' });
        expect(await store.read(RUN)).toHaveLength(1);
        await store.append(RUN, 1, [api.queued()]);
      },
    );

    test('lets one of many win that append after the same number at once', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await store.append(RUN, 0, [start()]);
      const tries = Array.from({ length: 8 }, async (_, at) =>
        store.append(RUN, 1, [api.notice(String(at))]),
      );
      const ends = await Promise.allSettled(tries);
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await store.read(RUN)).toHaveLength(2);
    });

    test('appends what comes at once and in order, in that order', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await store.append(RUN, 0, [start()]);
      await Promise.all(
        Array.from({ length: 50 }, async (_, at) => store.append(RUN, at + 1, [api.notice(String(at))])),
      );
      const told = (await store.read(RUN, 1)).map((event) =>
        event.type === 'unit.notice' ? event.message : '',
      );
      expect(told).toEqual(Array.from({ length: 50 }, (_, at) => String(at)));
    });

    test('sees what another store of the same place wrote, and does not write over it', async () => {
      await using place = await createPlace();
      await using one = place.open();
      await using two = place.open();
      await one.append(RUN, 0, [start()]);
      await two.append(RUN, 1, [api.queued()]);
      await expect(one.append(RUN, 1, [api.queued()])).rejects.toMatchObject({ code: 'conflict' });
      await one.append(RUN, 2, [api.started()]);
      expect((await two.read(RUN)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    });

    test('calls a subscriber with what is there and with what comes, once each and in order', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await using elsewhere = place.open();
      await store.append(RUN, 0, [start(), api.queued()]);
      const [seen] = await Promise.all([
        collect(elsewhere, RUN, 1, 31),
        (async () => {
          for (let at = 2; at < 32; at += 1) await store.append(RUN, at, [api.notice(String(at))]);
        })(),
      ]);
      expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: 31 }, (_, at) => at + 2));
    });

    test('lets a subscriber wait for a run that is not there yet', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await using elsewhere = place.open();
      const seen = collect(elsewhere, RUN, 0, 2);
      await store.append(OTHER, 0, [start(OTHER)]); // somebody else's comes first
      await store.append(RUN, 0, [start()]);
      await store.append(RUN, 1, [api.queued()]);
      expect((await seen).map(({ seq }) => seq)).toEqual([1, 2]);
    });

    test('ends a subscription at its signal, and tells nothing after it', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await store.append(RUN, 0, [start()]);
      const ending = new AbortController();
      const seen: RunEvent[] = [];
      const note = (events: readonly RunEvent[]): void => {
        seen.push(...events);
        ending.abort();
      };
      await store.subscribe(RUN, 0, note, ending.signal);
      await store.append(RUN, 1, [api.queued()]);
      await store.subscribe(RUN, 0, note, AbortSignal.abort());
      expect(seen.map(({ seq }) => seq)).toEqual([1]);
    });

    test('lists runs, newest first', async () => {
      await using place = await createPlace();
      await using store = place.open();
      expect(await store.runs()).toEqual([]);
      for (const run of ['zzzzzzzzzz', 'aaaaaaaaaa', 'mmmmmmmmmm']) {
        await store.append(run, 0, [start(run)]);
        const now = Date.now();
        while (Date.now() === now) await new Promise(setImmediate); // times are whole milliseconds
      }
      await store.append('zzzzzzzzzz', 1, [api.queued()]); // the start counts
      expect(await store.runs()).toEqual(['mmmmmmmmmm', 'aaaaaaaaaa', 'zzzzzzzzzz']);
    });

    test('knows where a unit stands, by target and unit, also in a later process', async () => {
      await using place = await createPlace();
      {
        await using store = place.open();
        expect(await store.record('main', 'api')).toBeUndefined();
        await store.append(RUN, 0, [start(), api.started(), api.committed(1), api.pushed()]);
        expect(await store.record('main', 'api')).toMatchObject({ tasks: [1], head: commit('a') });
      }
      await using store = place.open();
      const record = {
        target: 'main',
        unit: 'api',
        run: RUN,
        key: 'key-of-api',
        branch: 'choo/unit/main/api',
        base: commit('0'),
        builtOn: {},
        head: commit('a'),
        committed: commit('a'),
        tasks: [1],
        verified: false,
      };
      expect(await store.record('main', 'api')).toEqual(record);
      expect(await store.record('main', 'web')).toBeUndefined();
      expect(await store.record('release', 'api')).toBeUndefined();
      await store.append(OTHER, 0, [
        start(OTHER),
        api.started(commit('a'), { pushed: commit('a'), tasks: [1] }),
      ]);
      expect(await store.record('main', 'api')).toEqual({ ...record, run: OTHER });
    });

    test('knows that somebody wants a unit looked at again, and from which task on', async () => {
      await using place = await createPlace();
      {
        await using store = place.open();
        const done = [
          api.started(),
          api.committed(1),
          api.committed(2, commit('b')),
          api.completed(commit('b')),
        ];
        await store.append(RUN, 0, [start(), ...done]);
        expect(await store.record('main', 'api')).toMatchObject({ tasks: [1, 2], verified: true });
        await store.append(RUN, 5, [api.retried({ from: 2 })]);
      }
      await using store = place.open();
      expect(await store.record('main', 'api')).toMatchObject({
        head: commit('b'),
        committed: commit('b'),
        tasks: [1],
        verified: false,
      });
    });

    test('knows a unit that starts over as its start tells it', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await store.append(RUN, 0, [start(), api.started(), api.committed(1), api.pushed()]);
      await store.append(RUN, 4, [
        api.started(commit('c'), { pushed: commit('a'), builtOn: { web: commit('b') } }),
      ]);
      expect(await store.record('main', 'api')).toMatchObject({
        builtOn: { web: commit('b') },
        head: commit('a'),
        committed: commit('c'),
        tasks: [],
      });
    });
  });
}
