import { expect, test } from 'vitest';
import { OutputSink } from '../../../../src/orchestrator/server/output-sink.ts';
import { appendOutput, readOutput } from '../../../../src/store/runs/output.ts';
import { commit, plannedUnit, started } from '../../../helpers/run-events.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

const OF = { run: 'run0000001', unit: 'api' };

async function open() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openServerStore());
  const process = stack.use(await server.open());
  const start = started([plannedUnit('api')], OF.run);
  const repository = await server.repository();
  await process.runStore.submit({ repository, start, plan: { configCommit: commit('0') } });
  const kept = stack.move();
  return { ...process, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

test('output keeps its beginning and its end, and says how much is missing between', async () => {
  await using world = await open();
  const { database } = world;
  const piece = (at: number): string => `${String(at).padStart(9)}\n`;
  for (let at = 0; at < 50; at += 1) await appendOutput(database, OF, piece(at), { head: 100, tail: 200 });
  const pieces = await readOutput(database, OF);
  expect(pieces.map(({ text }) => Number(text))).toEqual([
    ...Array.from({ length: 10 }, (_, at) => at),
    ...Array.from({ length: 20 }, (_, at) => 30 + at),
  ]);
  expect(pieces.filter(({ missing }) => missing > 0)).toMatchObject([{ missing: 200, text: piece(30) }]);
  expect(await readOutput(database, OF, pieces.at(-2)?.piece)).toMatchObject([{ text: piece(49) }]);
  expect(await readOutput(database, { ...OF, unit: 'web' })).toEqual([]);
});

test('output holds every text that a database can hold, and something for the one it cannot', async () => {
  await using world = await open();
  await appendOutput(world.database, OF, 'a\0b\u2028😀\x1b[31m');
  expect(await readOutput(world.database, OF)).toMatchObject([{ text: 'a\u2400b\u2028😀\x1b[31m' }]);
});

test('what is printed can be followed as it comes, and faster than it can be written it is bounded', async () => {
  await using world = await open();
  const heard = Promise.withResolvers<void>();
  world.listener.subscribe((notice) => {
    if (notice.about === 'output' && notice.unit === 'api') heard.resolve();
  });
  {
    await using sink = new OutputSink(world.database, OF);
    sink.write('first\n');
    await heard.promise;
    expect(await readOutput(world.database, OF)).toMatchObject([{ text: 'first\n' }]);
    for (let count = 0; count < 5_000; count += 1) sink.write(`${'x'.repeat(999)}\n`);
  }
  const text = (await readOutput(world.database, OF)).map((piece) => piece.text).join('');
  expect(text.length).toBeLessThan(256 * 1024 + 1024 * 1024 + 1_100_000);
  expect(text).toMatch(/… \d+ characters came too fast to be kept\n$/);
});
