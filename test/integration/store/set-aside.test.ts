import { createInterface } from 'node:readline';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../../src/events/event.ts';
import { plannedUnit, started } from '../../helpers/run-events.ts';
import { openServerStore } from '../../helpers/server-store.ts';

const WORKER = fileURLToPath(new URL('../../fixtures/work-and-die.ts', import.meta.url));

test('a unit that kills its worker is tried last and alone, and fails after the third worker; the others complete', async () => {
  await using server = await openServerStore();
  await using store = await server.open();
  const { host, user, database } = server.address as { host: string; user: string; database: string };
  const innocent = ['a', 'b', 'c', 'd', 'e'];
  const units = [plannedUnit('poison', { tasks: 9 }), ...innocent.map((id) => plannedUnit(id))];
  const start = { ...started(units, 'poisonedrn'), parallelism: 100 };
  const plan = { configCommit: '0'.repeat(40) };
  await store.book.submit({ repository: await server.repository(), start, plan });
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
