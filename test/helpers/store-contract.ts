import { describe, expect, test } from 'vitest';
import type { EventBody, RunEvent } from '../../src/events/event.ts';
import { foldEvents } from '../../src/events/state.ts';
import type { RunReader, UnitRecords } from '../../src/events/store.ts';
import type { OrchStarted } from '../../src/events/unit-record.ts';
import { commit, factsOf, plannedUnit, started } from './run-events.ts';

/** A store that is read, and what production does to write to it. */
export interface WrittenStore extends RunReader, UnitRecords, AsyncDisposable {
  /** Begins a run; its units are queued. */
  begin(start: OrchStarted): Promise<void>;
  /** Adds events of one unit, as the process that works on it does. */
  add(run: string, events: readonly EventBody[]): Promise<void>;
  /** Has a unit that has ended worked on again, from a task on. */
  retry(run: string, unit: string, from: number): Promise<void>;
}

/** A place where stores can be opened, again and again, as processes that follow each other would. */
export interface StorePlace extends AsyncDisposable {
  open(): WrittenStore;
}

const api = factsOf('api');
const RUN = 'run0000001';
const OTHER = 'run0000002';
const start = (run: string = RUN) => started([plannedUnit('api', { tasks: 2 })], run);

/** Waits for events until there are as many as wanted. */
async function collect(store: RunReader, run: string, after: number, wanted: number): Promise<RunEvent[]> {
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

/** What every store must do. The first two events of each run are its start and its unit, queued. */
export function describeStore(name: string, createPlace: () => Promise<StorePlace>): void {
  describe(`${name} as a store`, () => {
    test('gives back what was written, numbered from 1, with times that never go back', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await store.begin(start());
      await store.add(RUN, [api.started(), api.notice('ü 漢 \n "\u2028')]);
      const events = await store.read(RUN);
      const written = [start(), api.queued(), api.started(), api.notice('ü 漢 \n "\u2028')];
      expect(events).toEqual(written.map((event, at) => ({ ...event, seq: at + 1, at: expect.any(Number) })));
      const times = events.map(({ at }) => at);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    });

    test('reads from a number on, and nothing of a run that it does not know', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await store.begin(start());
      await store.add(RUN, [api.started()]);
      expect((await store.read(RUN, 2)).map(({ type }) => type)).toEqual(['unit.started']);
      expect(await store.read(RUN, 3)).toEqual([]);
      expect(await store.read(RUN, 99)).toEqual([]);
      expect(await store.read(OTHER)).toEqual([]);
    });

    test('goes on where an earlier process stopped', async () => {
      await using place = await createPlace();
      {
        await using store = place.open();
        await store.begin(start());
      }
      await using store = place.open();
      await store.add(RUN, [api.started()]);
      expect(foldEvents(await store.read(RUN))?.seq).toBe(3);
    });

    test('keeps what is written at once in the order in which it was written', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await store.begin(start());
      await Promise.all(
        Array.from({ length: 50 }, async (_, at) => store.add(RUN, [api.notice(String(at))])),
      );
      const told = (await store.read(RUN, 2)).map((event) =>
        event.type === 'unit.notice' ? event.message : '',
      );
      expect(told).toEqual(Array.from({ length: 50 }, (_, at) => String(at)));
    });

    test('calls a subscriber with what is there and with what comes, once each and in order', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await using elsewhere = place.open();
      await store.begin(start());
      const [seen] = await Promise.all([
        collect(elsewhere, RUN, 1, 31),
        (async () => {
          for (let at = 2; at < 32; at += 1) await store.add(RUN, [api.notice(String(at))]);
        })(),
      ]);
      expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: 31 }, (_, at) => at + 2));
    });

    test('lets a subscriber wait for a run that is not there yet', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await using elsewhere = place.open();
      const seen = collect(elsewhere, RUN, 0, 3);
      await store.begin({ ...start(OTHER), target: 'release' }); // another one comes first
      await store.begin(start());
      await store.add(RUN, [api.started()]);
      expect((await seen).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    });

    test('ends a subscription at its signal, and tells nothing after it', async () => {
      await using place = await createPlace();
      await using store = place.open();
      await store.begin(start());
      const ending = new AbortController();
      const seen: RunEvent[] = [];
      const note = (events: readonly RunEvent[]): void => {
        seen.push(...events);
        ending.abort();
      };
      await store.subscribe(RUN, 0, note, ending.signal);
      await store.add(RUN, [api.started()]);
      await store.subscribe(RUN, 0, note, AbortSignal.abort());
      expect(seen.map(({ seq }) => seq)).toEqual([1, 2]);
    });

    test('lists runs, newest first', async () => {
      await using place = await createPlace();
      await using store = place.open();
      expect(await store.runs()).toEqual([]);
      for (const run of ['zzzzzzzzzz', 'aaaaaaaaaa', 'mmmmmmmmmm']) {
        await store.begin({ ...start(run), target: run });
        const now = Date.now();
        while (Date.now() === now) await new Promise(setImmediate); // times are whole milliseconds
      }
      await store.add('zzzzzzzzzz', [api.started()]); // the start counts
      expect(await store.runs()).toEqual(['mmmmmmmmmm', 'aaaaaaaaaa', 'zzzzzzzzzz']);
      expect(await store.runs(2)).toEqual(['mmmmmmmmmm', 'aaaaaaaaaa']);
    });

    test('knows where a unit stands, by target and unit, also in a later process and run', async () => {
      await using place = await createPlace();
      {
        await using store = place.open();
        expect(await store.record('main', 'api')).toBeUndefined();
        await store.begin(start());
        await store.add(RUN, [api.started(), api.committed(1), api.pushed()]);
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
      await store.add(RUN, [api.failed()]);
      await store.begin(start(OTHER));
      await store.add(OTHER, [api.started(commit('a'), { pushed: commit('a'), tasks: [1] })]);
      expect(await store.record('main', 'api')).toEqual({ ...record, run: OTHER });
    });

    test('knows that a unit is to be looked at again, and from which task on', async () => {
      await using place = await createPlace();
      {
        await using store = place.open();
        await store.begin(start());
        const done = [api.started(), api.committed(1), api.committed(2, commit('b'))];
        await store.add(RUN, [...done, api.completed(commit('b'))]);
        expect(await store.record('main', 'api')).toMatchObject({ tasks: [1, 2], verified: true });
        await store.retry(RUN, 'api', 2);
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
      await store.begin(start());
      await store.add(RUN, [api.started(), api.committed(1), api.pushed()]);
      await store.add(RUN, [
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
