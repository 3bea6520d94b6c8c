import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppWorld, makeAppWorld } from '../helpers/app-world.ts';
import { comeIn, deliver, get, memoryOf, strangersHead } from '../helpers/door-client.ts';
import type { ServerProcess } from '../helpers/server-project.ts';

const MIB = 1024 * 1024;
/** A payload about a repository that choo does not know, of about this size. */
const payload = (bytes: number): string =>
  JSON.stringify({ action: 'opened', repository: { id: 1 }, issue: { number: 1, body: 'x'.repeat(bytes) } });

/** Connections, each with a body of 24 MiB that bears a wrong signature; `whole`: to its last byte. */
async function letStrangersIn(
  port: number,
  { count, from, whole }: { readonly count: number; readonly from: string; readonly whole: boolean },
): Promise<Disposable & { readonly ended: Promise<unknown> }> {
  const bytes = Buffer.alloc(24 * MIB, ' ');
  const head = strangersHead(bytes.length);
  const strangers = await Promise.all(
    Array.from({ length: count }, async () => comeIn(port, { bytes: head, from })),
  );
  for (const { socket } of strangers) socket.write(whole ? bytes : bytes.subarray(1));
  return {
    ended: Promise.all(strangers.map(async ({ ended }) => ended)),
    [Symbol.dispose]: () => {
      for (const { socket } of strangers) socket.destroy();
    },
  };
}

describe('the web door', () => {
  let world: AppWorld;
  let server: ServerProcess;
  let secret: string;

  beforeAll(async () => {
    world = await makeAppWorld({ units: {} });
    server = await world.start();
    secret = world.github.environment.WEBHOOK_SECRET;
    // What a process holds after its first deliveries is what it holds by itself.
    for (let count = 0; count < 20; count += 1) await deliver(server.port, { secret, body: payload(10_000) });
  });

  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  test('holds little of what nobody signed', async () => {
    const { port, pid } = server;
    const before = memoryOf(pid);
    using strangers = await letStrangersIn(port, { count: 60, from: '127.9.0.1', whole: false });
    const small = await deliver(port, { secret, body: payload(10_000) });
    await strangers.ended;
    const grown = memoryOf(pid).most - before.now;
    console.log(
      `60 bodies of 24 MiB that nobody signed: ${grown.toFixed(0)} MiB more than ${before.now.toFixed(0)}; ` +
        `a delivery beside them was answered after ${small.ms.toFixed(0)} ms`,
    );
    expect(grown).toBeLessThan(160);
    expect(small.status).toBe(200);
    expect(small.ms).toBeLessThan(3_000);
  }, 60_000);

  test.each([
    ['from elsewhere, 60, keep theirs open', { count: 60, from: '127.9.0.1', whole: false }],
    ['behind the same proxy, 20, send theirs whole', { count: 20, from: '127.0.0.1', whole: true }],
  ])('answers the largest delivery there is while strangers %s', async (how, strangers) => {
    using _strangers = await letStrangersIn(server.port, strangers);
    const huge = await deliver(server.port, { secret, body: payload(24.9 * MIB) });
    console.log(`25 MiB while strangers ${how} were answered after ${huge.ms.toFixed(0)} ms`);
    expect(huge.status).toBe(200); // so it did not wait for ten seconds
  });

  test('answers beside thousands of connections that say nothing, or half a thing', async () => {
    const { port, pid } = server;
    const before = memoryOf(pid);
    const silent = ['', 'POST /api/github/webhooks HTTP/1.1\r\nhost: choo\r\n', strangersHead(1_000)];
    const strangers = [];
    for (let count = 0; count < 6_000; count += 1)
      strangers.push(await comeIn(port, { bytes: silent[count % silent.length] ?? '' }));
    const healthy = await get(port, '/healthz');
    const small = await deliver(port, { secret, body: payload(10_000) });
    const open = strangers.filter(({ socket }) => !socket.closed && !socket.readableEnded).length;
    const grown = memoryOf(pid).most - before.most;
    console.log(
      `6,000 connections: ${open} open, ${grown.toFixed(0)} MiB more than before; ` +
        `/healthz after ${healthy.ms.toFixed(0)} ms, a delivery after ${small.ms.toFixed(0)} ms`,
    );
    for (const { socket } of strangers) socket.destroy();
    expect([healthy.status, small.status]).toEqual([200, 200]);
    expect(open).toBeLessThan(2_100);
  }, 60_000);

  test('refuses what bears no signature before any of it has come', async () => {
    for (const signature of ['', 'sha1=00', `sha256=${'0'.repeat(63)}`]) {
      using stranger = await comeIn(server.port, { bytes: strangersHead(1_000, signature) });
      await stranger.ended;
      expect(stranger.said()).toMatch(/^HTTP\/1\.1 400 /);
    }
  });
});
