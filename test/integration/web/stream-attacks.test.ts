import { once } from 'node:events';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { appendOutput } from '../../../src/store/runs/output.ts';
import { makeDashboardWorld } from '../../helpers/dashboard-world.ts';
import { readStream } from '../../helpers/event-stream.ts';
import { powersOf } from '../../helpers/page-powers.ts';
import { factsOf, plannedUnit, started } from '../../helpers/run-events.ts';
import { type Browser, formTokenOf, makeSignedWorld, OURS } from '../../helpers/signed-world.ts';

const RUN = `/dashboard/runs/${OURS}`;
const UNIT = `${RUN}/units/api`;
const api = factsOf('api');

/** What an agent prints that wants to be more than text: elements, links, and what terminals obey. */
const HOSTILE = [
  '<script>alert(1)</script><img src=x onerror=alert(2)>',
  '</pre></main><form action="https://evil.example"><button>Sign in</button></form>',
  '[click](javascript:alert(3)) https://evil.example/?q=secret',
  '\u001b]8;;https://evil.example\u0007a link of a terminal\u001b]8;;\u0007',
  '\u001b]8;;javascript:alert(4)\u001b\\another\u001b]8;;\u001b\\',
  '\u001b]0;a new title\u0007\u001b[2J\u001b[H\u001b[?1049h\u001b]52;c;c2VjcmV0\u0007',
  '\u001b[31;1" onmouseover="alert(5)m red \u001b[38;5;999999999m\u001b[0m',
  '\u001b[31mred\u001b[0m',
  '&lt;b&gt; \u202egnp.exe\u202c \u2028data: {"parts":{"summary":"<b>"}}',
  '\r\n\r\nid: 999999999\nevent: parts\ndata: {"parts":{"summary":"taken"}}\n\n',
].join('\n');

const cookieOf = ({ cookies }: Browser): string =>
  [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');

/** Opens a connection that asks for a stream and then reads nothing. */
async function openSlow(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}); // it is cut off
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await once(socket, 'readable');
  socket.pause();
  return socket;
}

describe('the output of an agent', () => {
  test('is text in pages, streams and as it is stored, whatever it holds, and megabytes of it are cut', async () => {
    await using world = await makeSignedWorld({ events: [api.started()] });
    const { database } = world.process;
    const of = { run: OURS, unit: 'api' };
    const alice = await world.signedIn('alice');
    const reading = readStream(
      `${world.origin}${UNIT}/stream?after=0-0`,
      (messages) => messages.some(({ data }) => data.html?.includes('the very end')),
      { cookie: cookieOf(alice) },
    );
    for (let piece = 0; piece < 40; piece += 1)
      await appendOutput(database, of, `${HOSTILE}\n`.repeat(Math.ceil(100_000 / HOSTILE.length)));
    const much = `${HOSTILE}\n`.repeat(Math.ceil(900_000 / HOSTILE.length)); // the longest that is written at once
    await appendOutput(database, of, `${much}the very end\n`);
    const messages = await reading;
    const page = await alice.page(UNIT);
    const streamed = messages.flatMap(({ data }) => [data.html ?? '', ...Object.values(data.parts ?? {})]);
    for (const html of [page, ...streamed]) {
      expect(powersOf(html, '/dashboard/')).toEqual([]);
      expect(html).not.toMatch(/\u001b|\u202e|\u0007|<script>alert|taken"|href="(?:https|javascript)/);
    }
    const ours = messages.filter(({ event, data }) => event === 'output' && data.html !== undefined);
    expect(messages.filter(({ id }) => id.startsWith('999999999'))).toEqual([]);
    expect(ours[0]?.data.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(ours[0]?.data.html).toContain('<span class="ansi-red">red</span>');
    expect(page).toContain('the very end');
    expect(gzipSync(page).length).toBeLessThan(90_000);
    expect(Buffer.byteLength(page)).toBeLessThan(1_000_000);
    for (const { data } of ours) expect(data.html?.length).toBeLessThan(6 * 256 * 1024);
    const whole = await alice.ask(`${UNIT}/output`);
    expect(whole.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(whole.headers.get('x-content-type-options')).toBe('nosniff');
    const text = await whole.text();
    expect(text.length).toBeLessThan(2_000_000); // of 4 MB: as much as is kept of a unit
    expect(text).toContain('characters are not kept');
  });

  test('without an end comes at most four times a second, in parts, however fast it grows', async () => {
    await using world = await makeDashboardWorld({ alive: 'run0000001' });
    const run = 'run0000001';
    await world.append(run, [started([plannedUnit('api')]), api.started()]);
    const [ending, from] = [new AbortController(), performance.now()];
    const sizes: number[] = [];
    const reading = readStream(
      `${world.url}runs/${run}/units/api/stream?after=0-0`,
      (messages) => {
        sizes.splice(0, Infinity, ...messages.map(({ data }) => data.html?.length ?? 0));
        return false;
      },
      { signal: ending.signal },
    ).catch((error: unknown) => {
      if (!ending.signal.aborted) throw error;
    });
    const line = `    | ${'<'.repeat(1_000)}\n`;
    for (let round = 0; performance.now() - from < 3_000; round += 1) {
      await world.print(run, 'api', line.repeat(500));
      await wait(20);
    }
    const seconds = (performance.now() - from) / 1_000;
    ending.abort();
    await reading;
    const parts = sizes.filter((size) => size > 0);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.length).toBeLessThanOrEqual(4 * seconds + 2);
    expect(Math.max(...parts)).toBeLessThan(5 * 256 * 1024); // each `<` is four characters
  });
});

describe('streams', () => {
  test('are 500 of one process, and there is room again when one ends', async () => {
    await using world = await makeDashboardWorld({ alive: 'run0000001' });
    await world.append('run0000001', [started([plannedUnit('api')]), api.started()]);
    const url = `${world.url}runs/run0000001/stream?after=2&axis=10000`;
    const open = async () =>
      new Promise<{ readonly status: number | undefined; readonly end: () => void }>((resolve, reject) => {
        get(url, { agent: false }, (response) => {
          response.resume();
          response.on('error', () => {}); // this test ends it
          resolve({ status: response.statusCode, end: () => response.destroy() });
        }).on('error', reject);
      });
    const opened = [];
    for (let count = 0; count < 510; count += 30)
      opened.push(...(await Promise.all(Array.from({ length: 30 }, open))));
    expect(opened.map(({ status }) => status).filter((status) => status !== 200)).toEqual(
      Array.from({ length: 10 }, () => 503),
    );
    expect((await fetch(world.url)).status).toBe(200); // pages are still shown
    opened.find(({ status }) => status === 200)?.end();
    await world.streamsOpen(499);
    const next = await open();
    expect(next.status).toBe(200);
    for (const { end } of [...opened, next]) end();
    await world.streamsOpen(0);
  });

  test('of readers who take nothing hold no memory of what happens meanwhile, and are cut off', async () => {
    await using world = await makeDashboardWorld({ alive: 'run0000001' });
    const run = 'run0000001';
    const units = Array.from({ length: 500 }, (_, at) => `unit-${at}`);
    await world.append(run, [
      started(units.map((id) => plannedUnit(id))),
      ...units.map((id) => factsOf(id).started()),
    ]);
    const path = `${world.base}/runs/${run}/stream?after=0&axis=0`;
    const slow = await Promise.all(Array.from({ length: 10 }, async () => openSlow(world.port, path)));
    await world.streamsOpen(10);
    const held = (): number => {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = held();
    // Each message of these is about half a megabyte: more than the network holds of a connection.
    for (let round = 0; round < 20; round += 1) {
      await world.append(
        run,
        units.map((id) => (round % 2 === 0 ? factsOf(id).gate(1) : factsOf(id).red(1))),
      );
      await wait(260);
    }
    expect(held() - before).toBeLessThan(80 * 1024 * 1024);
    await world.streamsOpen(0); // after thirty seconds without a read
    for (const socket of slow) socket.destroy();
    expect(world.errors).toEqual([]);
  }, 120_000);

  test('end within the time for which an answer about access holds, and bring nothing of later', async () => {
    const grantMs = 2_000;
    await using world = await makeSignedWorld({ grantMs, events: [api.started()] });
    const alice = await world.signedIn('alice');
    const cookie = cookieOf(alice);
    const read = async (path: string) => {
      const messages = await readStream(`${world.origin}${path}`, () => false, { cookie });
      return { messages, at: performance.now() };
    };
    const reading = [read(`${RUN}/stream?after=0&axis=0`), read(`${UNIT}/stream?after=0-0`)];
    await expect.poll(world.dashboard.streams, { timeout: 20_000 }).toBe(2);
    const withdrawnAt = performance.now();
    world.github.setPermission('team/widgets', 'alice', 'none');
    const ends = await Promise.all(reading);
    for (const { at, messages } of ends) {
      expect(at - withdrawnAt).toBeLessThan(grantMs + 1_500);
      expect(messages.length).toBeGreaterThan(0);
    }
    await wait(Math.max(0, withdrawnAt + grantMs - performance.now()));
    await world.process.runStore.change(OURS, async (transaction) =>
      transaction.append(api.notice('said after access was withdrawn')),
    );
    await appendOutput(world.process.database, { run: OURS, unit: 'api' }, 'printed after it\n');
    for (const path of [RUN, UNIT, `${UNIT}/output`, `${RUN}/stream`, `${UNIT}/stream`])
      expect([path, (await alice.ask(path)).status]).toEqual([path, 404]);
  });

  test('of a session that was stolen end after its owner signs out, and are not opened again', async () => {
    await using world = await makeSignedWorld({ grantMs: 1_500, events: [api.started()] });
    const alice = await world.signedIn('alice');
    const thief = world.browser();
    for (const [name, value] of alice.cookies) thief.cookies.set(name, value);
    const cookie = cookieOf(thief);
    const reading = readStream(`${world.origin}${UNIT}/stream?after=0-0`, () => false, { cookie });
    await expect.poll(world.dashboard.streams, { timeout: 20_000 }).toBe(1);
    const token = formTokenOf(await alice.page(RUN));
    expect((await alice.post('/dashboard/sign-out', { token })).status).toBe(303);
    await reading; // ends by itself
    expect((await thief.ask(`${UNIT}/stream?after=0-0`)).status).toBe(401);
    expect((await thief.ask(UNIT)).status).toBe(303);
    expect((await thief.post(`${RUN}/change`, { kind: 'cancel', token })).status).toBe(401);
    const again = await world.signedIn('alice');
    expect((await again.post(`${RUN}/change`, { kind: 'cancel', token })).status).toBe(409); // of an old page
    expect(await again.page(UNIT)).not.toContain('cancelled by');
  });
});

test('a session is no longer for being used, and of many of one account the oldest end', async () => {
  await using world = await makeSignedWorld();
  const { database } = world.process;
  const ends = async () =>
    (await database.selectFrom('sessions').select('ends_at').execute()).map(({ ends_at: at }) =>
      at.getTime(),
    );
  const first = await world.signedIn('reader');
  const [end = 0] = await ends();
  expect(end - Date.now()).toBeLessThan(8 * 3_600_000 + 60_000);
  for (let use = 0; use < 3; use += 1) await first.page(RUN);
  expect(await ends()).toEqual([end]);
  for (let count = 0; count < 20; count += 1) await world.signedIn('reader');
  expect((await first.ask(RUN)).status).toBe(303);
  expect(await ends()).toHaveLength(20);
});
