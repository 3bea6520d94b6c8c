import { execa } from 'execa';
import {
  appendFile,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../../src/events/event.ts';
import { Journal } from '../../../../src/store/journal/journal.ts';
import { commit, factsOf, plannedUnit, started } from '../../../helpers/run-events.ts';
import { describeStore, type WrittenStore } from '../../../helpers/store-contract.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

describeStore('the journal', async () => {
  const place = await temporaryDirectory();
  return {
    open: () => openWritten(new Journal(place.path)),
    [Symbol.asyncDispose]: async () => place[Symbol.asyncDispose](),
  };
});

/** A journal, written to as the orchestrator does: what comes next is numbered by the one process that works on the run. */
function openWritten(journal: Journal): WrittenStore {
  const last = new Map<string, number>();
  const add = async (run: string, events: readonly EventBody[]): Promise<void> => {
    const before = last.get(run) ?? (await journal.read(run)).length;
    last.set(run, before + events.length);
    await journal.append(run, before, events);
  };
  return {
    read: journal.read.bind(journal),
    subscribe: journal.subscribe.bind(journal),
    runs: journal.runs.bind(journal),
    record: journal.record.bind(journal),
    begin: async (start) => add(start.run, [start, ...start.units.map(({ id }) => factsOf(id).queued())]),
    add,
    retry: async (run, unit, from) => add(run, [factsOf(unit).retried({ from })]),
    [Symbol.asyncDispose]: async () => journal[Symbol.asyncDispose](),
  };
}

const WRITER = fileURLToPath(new URL('../../../fixtures/append-events.ts', import.meta.url));
const RUN = 'run0000001';
const api = factsOf('api');
const start = (run = RUN) => started([plannedUnit('api', { tasks: 3 })], run);

/** Appends in a process of its own, so to say, and returns the bytes of the file. */
async function write(path: string, ...groups: Parameters<Journal['append']>[2][]): Promise<Buffer> {
  await using journal = new Journal(path);
  for (const group of groups) await journal.append(RUN, (await journal.read(RUN)).length, group);
  return readFile(journal.eventFile(RUN));
}

describe('appending to a journal', () => {
  test.each([0, 2, 99])(
    'after %i is refused when the last event is 1, and adds nothing',
    async (expected) => {
      await using place = await temporaryDirectory();
      await using journal = new Journal(place.path);
      const [first] = await journal.append(RUN, 0, [start()]);
      expect(first?.seq).toBe(1);
      await expect(journal.append(RUN, expected, [api.queued()])).rejects.toMatchObject({ code: 'conflict' });
      expect(await journal.read(RUN)).toHaveLength(1);
      await journal.append(RUN, 1, [api.queued()]);
    },
  );

  test('after the same number many times at once is done once', async () => {
    await using place = await temporaryDirectory();
    await using journal = new Journal(place.path);
    await journal.append(RUN, 0, [start()]);
    const tries = Array.from({ length: 8 }, async (_, at) =>
      journal.append(RUN, 1, [api.notice(String(at))]),
    );
    const ends = await Promise.allSettled(tries);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await journal.read(RUN)).toHaveLength(2);
  });

  test('sees what another process wrote, and does not write over it', async () => {
    await using place = await temporaryDirectory();
    await using one = new Journal(place.path);
    await using two = new Journal(place.path);
    await one.append(RUN, 0, [start()]);
    await two.append(RUN, 1, [api.queued()]);
    await expect(one.append(RUN, 1, [api.queued()])).rejects.toMatchObject({ code: 'conflict' });
    await one.append(RUN, 2, [api.started()]);
    expect((await two.read(RUN)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });
});

describe('a journal', () => {
  test('is for its user alone, one event a line', async () => {
    await using place = await temporaryDirectory();
    const text = (await write(place.path, [start(), api.queued()])).toString();
    expect(text.split('\n').map((line) => line.slice(0, 7))).toEqual(['{"seq":', '{"seq":', '']);
    for (const path of ['choo', 'choo/runs', `choo/runs/${RUN}`])
      expect((await stat(join(place.path, path))).mode & 0o777, path).toBe(0o700);
  });

  test('takes no name that leads out of it', async () => {
    await using place = await temporaryDirectory();
    await using journal = new Journal(place.path);
    for (const run of ['', '..', '../../../etc', 'RUN0000001', 'run000000', 'run00000011', 'run000000\n']) {
      await expect(journal.read(run), run).rejects.toMatchObject({ code: 'usage' });
      await expect(journal.append(run, 0, [start()]), run).rejects.toMatchObject({ code: 'usage' });
    }
    expect(() => journal.unitLog(RUN, '../events')).toThrow('is not the id of a unit');
    expect(journal.unitLog(RUN, 'api')).toBe(join(place.path, 'choo/runs', RUN, 'logs/api.log'));
    await mkdir(join(place.path, 'choo/runs/..weird'), { recursive: true });
    await mkdir(join(place.path, 'choo/runs/empty00000'), { recursive: true });
    expect(await journal.runs()).toEqual([]);
  });

  test('has all of an append or nothing of it, wherever a crash cut it, and goes on from there', async () => {
    await using place = await temporaryDirectory();
    const before = await write(place.path, [start(), api.started()]);
    const whole = await write(place.path, [api.committed(1), api.notice('漢字'), api.pushed()]);
    const file = new Journal(place.path).eventFile(RUN);
    for (let length = before.length; length <= whole.length; length += 1) {
      await writeFile(file, whole.subarray(0, length));
      await using journal = new Journal(place.path);
      const read = await journal.read(RUN);
      expect(read, `${length} bytes`).toHaveLength(length === whole.length ? 5 : 2);
      if (length % 40 !== 0 && length < whole.length - 2) continue;
      await journal.append(RUN, read.length, [api.notice('goes on')]);
      expect((await journal.read(RUN)).at(-1), `${length} bytes`).toMatchObject({ message: 'goes on' });
    }
  });

  test('has everything that it took before its process was killed, and goes on after', async () => {
    await using place = await temporaryDirectory();
    let before = 0;
    for (const wanted of [3, 40, 200]) {
      const child = execa(process.execPath, [WRITER, place.path, RUN], { reject: false });
      let taken = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        taken = Number(line);
        if (taken >= before + wanted) child.kill('SIGKILL');
      }
      await child;
      const events = await new Journal(place.path).read(RUN);
      expect(events.length).toBeGreaterThanOrEqual(taken);
      before = events.length;
    }
  });

  test('of which only a torn first line is there is a run without events, and can begin', async () => {
    await using place = await temporaryDirectory();
    const whole = await write(place.path, [start()]);
    await using journal = new Journal(place.path);
    await truncate(journal.eventFile(RUN), whole.length - 1);
    expect(await journal.read(RUN)).toEqual([]);
    await journal.append(RUN, 0, [start()]);
    expect(await readFile(journal.eventFile(RUN))).toHaveLength(whole.length);
  });

  test.each([
    ['no JSON', '{"seq":2,"at'],
    ['no event', '{"seq":2,"at":1,"type":"unit.exploded","unit":"api"}'],
    ['another number', '{"seq":3,"at":1,"type":"unit.queued","unit":"api"}'],
    ['empty', ''],
  ])('with a line in the middle that is %s says which', async (_, line) => {
    await using place = await temporaryDirectory();
    const bytes = (await write(place.path, [start()], [api.queued()], [api.started()]))
      .toString()
      .split('\n');
    await using journal = new Journal(place.path);
    await writeFile(journal.eventFile(RUN), [bytes[0], line, ...bytes.slice(2)].join('\n'));
    await expect(journal.read(RUN)).rejects.toThrow(`${journal.eventFile(RUN)}:2 is not event 2 of a run`);
    await expect(journal.append(RUN, 3, [api.queued()])).rejects.toThrow(':2 is not event 2');
  });

  test('refuses to append behind what somebody else has half written', async () => {
    await using place = await temporaryDirectory();
    await using journal = new Journal(place.path);
    await journal.append(RUN, 0, [start()]);
    await appendFile(journal.eventFile(RUN), '{"seq":2');
    await expect(journal.append(RUN, 1, [api.queued()])).rejects.toMatchObject({ code: 'conflict' });
    expect((await readFile(journal.eventFile(RUN), 'utf8')).endsWith('\n{"seq":2')).toBe(true);
  });

  test('says so when it cannot write', async () => {
    await using place = await temporaryDirectory();
    await writeFile(join(place.path, 'choo'), 'a file in the way');
    await using journal = new Journal(place.path);
    await expect(journal.append(RUN, 0, [start()])).rejects.toThrow('ENOTDIR');
    await rm(join(place.path, 'choo'));
    await journal.append(RUN, 0, [start()]);
  });
});

describe('records', () => {
  test('know after a crash what the events told and no record did', async () => {
    await using place = await temporaryDirectory();
    await write(place.path, [start(), api.started()]);
    const units = join(place.path, 'choo/units');
    const [name = ''] = await readdir(units);
    await copyFile(join(units, name), join(place.path, 'old'));
    await write(place.path, [api.committed(1), api.pushed()]);
    // As if the process had ended between journal and record.
    await copyFile(join(place.path, 'old'), join(units, name));
    await rm(join(place.path, 'choo/runs', RUN, 'projected'));
    await using journal = new Journal(place.path);
    expect(await journal.record('main', 'api')).toMatchObject({ tasks: [1], head: commit('a') });
  });

  test('know it too when it is another run that goes on', async () => {
    await using place = await temporaryDirectory();
    await write(place.path, [start(), api.started(), api.committed(1), api.pushed()]);
    await rm(join(place.path, 'choo/units'), { recursive: true });
    await rm(join(place.path, 'choo/runs', RUN, 'projected'));
    await using journal = new Journal(place.path);
    await journal.append('run0000002', 0, [
      start('run0000002'),
      api.started(commit('a'), { pushed: commit('a'), tasks: [1] }),
    ]);
    expect(await journal.record('main', 'api')).toMatchObject({
      run: 'run0000002',
      tasks: [1],
      head: commit('a'),
    });
  });

  test('count each event once, so that an older run does not bring back what a newer one changed', async () => {
    await using place = await temporaryDirectory();
    await write(place.path, [start(), api.started(), api.committed(1), api.pushed()]);
    const other = 'run0000002';
    {
      await using journal = new Journal(place.path);
      const anew = started([plannedUnit('api', { key: 'another' })], other);
      await journal.append(other, 0, [anew, api.started(commit('c')), api.pushed(commit('c'))]);
    }
    await rm(join(place.path, 'choo/runs', RUN, 'projected'));
    await using journal = new Journal(place.path);
    expect(await journal.record('main', 'api')).toMatchObject({ run: other, tasks: [], head: commit('c') });
  });

  test('that are damaged are made again from all runs', async () => {
    await using place = await temporaryDirectory();
    await write(place.path, [start(), api.started(), api.committed(1), api.pushed()]);
    {
      await using journal = new Journal(place.path);
      await journal.append('run0000002', 0, [
        start('run0000002'),
        api.started(commit('a'), { pushed: commit('a'), tasks: [1] }),
        api.committed(3),
      ]);
    }
    const units = join(place.path, 'choo/units');
    const [name = ''] = await readdir(units);
    await writeFile(join(units, name), '');
    {
      await using journal = new Journal(place.path);
      expect(await journal.record('main', 'api')).toMatchObject({ run: 'run0000002', tasks: [1, 3] });
      await journal.append('run0000002', 3, [api.pushed(commit('a')), api.completed()]);
    }
    expect(JSON.parse(await readFile(join(units, name), 'utf8'))).toMatchObject({
      record: { verified: true },
    });
    expect(await readdir(units)).toEqual([name]);
  });

  test('are read by others while they are written', async () => {
    await using place = await temporaryDirectory();
    await using journal = new Journal(place.path);
    await journal.append(RUN, 0, [start(), api.started()]);
    const writing = Array.from({ length: 60 }, async (_, at) =>
      journal.append(RUN, at + 2, [api.committed(1 + (at % 3))]),
    );
    const reading = Array.from({ length: 200 }, async () => journal.record('main', 'api'));
    expect(new Set((await Promise.all(reading)).map((record) => record?.unit))).toEqual(new Set(['api']));
    await Promise.all(writing);
  });
});

describe('the cost of a journal', () => {
  test('grows with the number of events and no faster', async () => {
    await using place = await temporaryDirectory();
    await using journal = new Journal(place.path);
    await journal.append(RUN, 0, [start()]);
    const times: number[] = [];
    let last = 1;
    for (let round = 0; round < 20; round += 1) {
      const begin = performance.now();
      for (let part = 0; part < 10; part += 1) {
        await journal.append(
          RUN,
          last,
          Array.from({ length: 100 }, () => api.notice('x'.repeat(100))),
        );
        last += 100;
      }
      times.push(performance.now() - begin);
    }
    const begin = performance.now();
    expect(await journal.read(RUN)).toHaveLength(20_001);
    expect(performance.now() - begin).toBeLessThan(3000);
    // The fastest of the first and of the last rounds: a machine that is busy slows some of them.
    expect(Math.min(...times.slice(-5))).toBeLessThan(4 * Math.min(...times.slice(0, 5)) + 10);
  });
});
