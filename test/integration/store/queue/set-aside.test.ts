import { execa } from 'execa';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../../../src/events/event.ts';
import { claimUnits } from '../../../../src/store/queue/claims.ts';
import {
  registerWorker,
  deregisterWorker,
  requeueUnits,
} from '../../../../src/store/queue/worker-registry.ts';
import { factsOf, plannedUnit, started } from '../../../helpers/run-events.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

const WORKER = fileURLToPath(new URL('../../../fixtures/work-and-die.ts', import.meta.url));

test('a unit that kills its worker is tried last and alone, and fails after the third worker; the others complete', async () => {
  await using server = await openServerStore();
  await using store = await server.open();
  const { host, user, database } = server.address as { host: string; user: string; database: string };
  const innocent = ['a', 'b', 'c', 'd', 'e'];
  const units = [plannedUnit('poison', { tasks: 9 }), ...innocent.map((id) => plannedUnit(id))];
  const start = { ...started(units, 'poisonedrn'), parallelism: 100 };
  const plan = { configCommit: '0'.repeat(40) };
  await store.runStore.submit({ repository: await server.repository(), start, plan });
  const isOver = async (): Promise<boolean> => {
    const row = await store.database.selectFrom('runs').select('status').executeTakeFirstOrThrow();
    return row.status !== 'running';
  };
  const lines: string[] = [];
  let deaths = 0;
  while (!(await isOver()) && deaths < 10) {
    const worker = execa(process.execPath, [WORKER, host, user, database], { reject: false });
    const over = setInterval(() => void isOver().then((yes) => yes && worker.kill('SIGTERM')), 100);
    for await (const line of createInterface({ input: worker.stdout })) lines.push(line);
    clearInterval(over);
    if ((await worker).signal === 'SIGKILL') deaths += 1;
  }
  const poison = lines.filter((line) => line.startsWith('poison'));
  expect({ deaths, claims: poison.length, besideAtLast: poison.at(-1) }).toEqual({
    deaths: 3,
    claims: 3,
    besideAtLast: 'poison 0',
  });
  const rows = await store.database
    .selectFrom('units')
    .select(['id', 'state', 'claim'])
    .orderBy('id')
    .execute();
  expect(rows.map(({ id, state }) => [id, state])).toEqual([
    ...innocent.map((id) => [id, 'complete']),
    ['poison', 'failed'],
  ]);
  const events = await store.database
    .selectFrom('events')
    .select('body')
    .where('unit', '=', 'poison')
    .orderBy('seq')
    .execute();
  const bodies = events.map(({ body }) => body as RunEvent);
  expect(bodies.flatMap((body) => (body.type === 'unit.released' ? body.reason : []))).toEqual([
    'its worker died',
    'its worker died; that is the second time, so it is tried last, and alone',
    'its worker died',
  ]);
  expect(bodies.at(-1)).toMatchObject({ type: 'unit.failed', failure: 'environment' });
});

test('a unit on trial has its worker to itself, after all others, until an agent completes a task of it', async () => {
  await using server = await openServerStore();
  await using store = await server.open();
  const { database, runStore } = store;
  const submit = async (run: string, units: readonly string[], installation: string): Promise<void> => {
    const start = {
      ...started(
        units.map((id) => plannedUnit(id, { tasks: 2 })),
        run,
      ),
      parallelism: 100,
    };
    const repository = await server.repository(`/${run}`, installation);
    await runStore.submit({ repository, start, plan: { configCommit: '0'.repeat(40) } });
  };
  const [one, two, three] = await Promise.all(
    ['one', 'two', 'three'].map(async (name) => (await registerWorker(database, name)).number),
  );
  const claims = async (worker = 0, free = 4): Promise<readonly string[]> =>
    (await claimUnits(database, worker, { free })).map(({ unit }) => unit).sort();
  const deathsOf = async (id: string): Promise<number | undefined> =>
    (await database.selectFrom('units').select('deaths').where('id', '=', id).executeTakeFirst())?.deaths;

  await submit('suspectrun', ['suspect', 'other'], 'first');
  expect(await claims(one)).toEqual(['other', 'suspect']);
  const lost = { run: 'suspectrun', units: ['suspect'], worker: one ?? 0, reason: 'it died', died: true };
  await requeueUnits(runStore, lost);
  expect(await claims(one)).toEqual(['suspect']);
  await requeueUnits(runStore, lost);
  expect(await claims(one)).toEqual([]); // it has `other`
  await submit('secondrun1', ['later'], 'second');
  expect(await claims(two)).toEqual(['later']);
  expect(await claims(two)).toEqual([]);
  expect(await claims(three)).toEqual(['suspect']);
  await submit('secondrun2', ['latest'], 'second');
  expect(await claims(three)).toEqual([]);

  const write = { unit: 'suspect', claim: 3, worker: three ?? 0, ended: false };
  const { taskDone } = factsOf('suspect');
  await runStore.write('suspectrun', { ...write, batch: 1, events: [taskDone(1, undefined, true)] });
  expect([await deathsOf('suspect'), await claims(three)]).toEqual([2, []]); // its gate passed, and that was all
  await runStore.write('suspectrun', { ...write, batch: 2, events: [taskDone(2)] });
  expect([await deathsOf('suspect'), await claims(three)]).toEqual([0, ['latest']]);

  for (const worker of [one, two, three]) await deregisterWorker(database, runStore, worker ?? 0);
  for (const unit of ['suspect', 'other', 'later', 'latest']) expect(await deathsOf(unit)).toBe(0); // they were asked to stop
});
