import { sql } from 'kysely';
import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Endpoint, send } from '../../../../src/notify/send.ts';
import { findNotices } from '../../../../src/store/notices/find-notices.ts';
import { type DueNotice, saveNotices, tellNext } from '../../../../src/store/notices/notice-queue.ts';
import { openServerStore, type ServerStore } from '../../../helpers/server-store.ts';
import type { StoreProcess } from '../../../helpers/server-process.ts';

const KEY = randomBytes(32);
const ended = (run: string) =>
  ({
    source: `ended ${run} 9`,
    notice: { type: 'run.ended', data: { repository: 'team/widgets', run, outcome: 'complete', url: null } },
  }) as const;

interface Got {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

describe('notices', () => {
  let store: ServerStore;
  let own: StoreProcess;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      got.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      const { status, headers = {} } = answers.shift() ?? { status: 204 };
      response.writeHead(status, headers).end();
    });
  });
  let got: Got[] = [];
  let answers: { status: number; headers?: Record<string, string> }[] = [];
  let webhook: Endpoint;

  beforeAll(async () => {
    store = await openServerStore();
    own = await store.open();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    webhook = { channel: 'webhook', url, secret: `whsec_${KEY.toString('base64')}` };
  });
  afterAll(async () => {
    server.close();
    await own[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    [got, answers] = [[], []];
    await sql`delete from notices`.execute(own.database);
  });

  const save = async (...runs: readonly string[]): Promise<void> =>
    own.database.transaction().execute(async (trx) => saveNotices(trx, [webhook], runs.map(ended)));
  const tell = async ({ id, notice }: DueNotice) => send(webhook, { id, body: JSON.stringify(notice) });
  const next = async () => tellNext(own.database, webhook, tell);
  const rows = async () =>
    (
      await sql<{ tries: number; done: boolean; trouble: string | null; wait: number }>`
        select tries, done_at is not null as done, trouble,
          extract(epoch from not_before - now())::float8 as wait from notices order by at, id`.execute(
        own.database,
      )
    ).rows;

  test('are signed, told once, and with the same id when they come again', async () => {
    answers = [{ status: 500 }];
    await save('a');
    await save('a');
    expect(await next()).toEqual({ kind: 'failed', reason: 'it answered 500', retryAfterMs: 0 });
    expect(await next()).toBeUndefined();
    const [waiting] = await rows();
    expect(waiting).toMatchObject({ tries: 1, done: false });
    expect(waiting?.wait).toBeGreaterThan(0);
    expect(waiting?.wait).toBeLessThanOrEqual(5.5);
    await sql`update notices set not_before = now()`.execute(own.database);
    expect(await next()).toEqual({ kind: 'taken' });
    expect(await rows()).toMatchObject([{ done: true, trouble: null }]);
    await save('a');
    expect(await next()).toBeUndefined();
    expect(got).toHaveLength(2);
    for (const { headers, body } of got) {
      const [id, time] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
      expect(id).toBe(got[0]?.headers['webhook-id']);
      const digest = createHmac('sha256', KEY).update(`${id}.${time}.${body}`).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${digest}`);
    }
  });

  test('wait as long as the other side asks, and a day at most', async () => {
    answers = [
      { status: 429, headers: { 'retry-after': '1200' } },
      { status: 503, headers: { 'retry-after': '99999999' } },
      { status: 502 },
    ];
    await save('a', 'b', 'c');
    while ((await next()) !== undefined);
    const waits = (await rows()).map(({ wait }) => Math.ceil(wait)).toSorted((a, b) => a - b);
    expect(waits).toEqual([60, 1_200, 86_400]);
  });

  test('follow no redirect, and stop for an address that is gone', async () => {
    answers = [{ status: 302, headers: { location: webhook.url } }, { status: 410 }];
    await save('a', 'b', 'c');
    expect(await next()).toMatchObject({ kind: 'failed', reason: 'it answered 302' });
    expect(await next()).toEqual({ kind: 'gone' });
    await save('d');
    await sql`update notices set not_before = now()`.execute(own.database);
    expect(await next()).toBeUndefined();
    expect(got).toHaveLength(2);
    expect((await rows()).map(({ done }) => done)).toEqual([true, true, true]);
    await own.database
      .transaction()
      .execute(async (trx) => saveNotices(trx, [{ ...webhook, url: `${webhook.url}/new` }], [ended('e')]));
    expect(await rows()).toHaveLength(4);
  });

  test('are given up after the last try, and name no address', async () => {
    const dead = { ...webhook, url: 'http://127.0.0.1:1/secret-path' };
    await save('a');
    await sql`update notices set tries = 9`.execute(own.database);
    const sent = await tellNext(own.database, dead, async ({ id }) => send(dead, { id, body: '{}' }));
    expect(JSON.stringify(sent)).not.toContain('secret-path');
    expect(await rows()).toMatchObject([{ tries: 10, done: true, trouble: expect.any(String) }]);
  });

  test('are found once for budgets that are nearly used, and name the first units that need a person', async () => {
    const events = Array.from({ length: 30 }, (_, n) => ({
      type: 'unit.failed' as const,
      unit: `u${n}`,
      failure: 'attempts' as const,
      message: 'secret words of a gate',
      hint: null,
      head: null,
      seq: n + 1,
      at: 0,
    }));
    const ended = { type: 'orch.failed' as const, branch: null, head: null, unmerged: [], seq: 31, at: 0 };
    const run = {
      run: 'r',
      repository: 'team/widgets',
      url: null,
      isUpdate: false,
      events: [...events, ended],
    };
    const none = { tokens: Infinity, cost: Infinity };
    const ceilings = { run: none, installation: none, server: none };
    const found = await own.database.transaction().execute(async (trx) => findNotices(trx, [run], ceilings));
    expect(found.map(({ source }) => source)).toEqual(['person r 30', 'ended r 31']);
    expect(found[0]?.notice).toMatchObject({ data: { more: 10, units: { length: 20 } } });
    expect(JSON.stringify(found)).not.toContain('secret words');
    const update = await own.database
      .transaction()
      .execute(async (trx) => findNotices(trx, [{ ...run, isUpdate: true }], ceilings));
    expect(update.map(({ source }) => source)).toEqual(['person r 30']);
  });
});
