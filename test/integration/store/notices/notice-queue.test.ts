import { sql } from 'kysely';
import { PgBoss } from 'pg-boss';
import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Endpoint, send } from '../../../../src/notify/send.ts';
import { findNotices } from '../../../../src/store/notices/find-notices.ts';
import { type DueNotice, NoticeQueue } from '../../../../src/store/notices/notice-queue.ts';
import { openServerStore, type ServerStore } from '../../../helpers/server-store.ts';
import type { StoreProcess } from '../../../helpers/server-process.ts';

const fail = (error: Error): void => {
  throw error;
};
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
  let queue: NoticeQueue;

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
    queue = await NoticeQueue.open(store.address, [webhook], fail);
    await sql`delete from choo_jobs.job`.execute(own.database);
  });

  afterEach(async () => queue[Symbol.asyncDispose]());

  const save = async (...runs: readonly string[]): Promise<void> =>
    own.database.transaction().execute(async (trx) => queue.save(trx, runs.map(ended)));
  const tell = async ({ id, notice }: DueNotice) => send(webhook, { id, body: JSON.stringify(notice) });
  const next = async () => queue.tellNext(webhook, tell);
  const makeDue = async () =>
    sql`update choo_jobs.job set start_after = now() where state = 'retry'`.execute(own.database);
  const rows = async () =>
    (
      await sql<{ tries: number; state: string; trouble: string | null; wait: number }>`
        select retry_count as tries, state::text, output ->> 'reason' as trouble,
          extract(epoch from start_after - now())::float8 as wait
        from choo_jobs.job where name like 'notices-%' order by created_on, id`.execute(own.database)
    ).rows;

  test('are signed, told once, and with the same id when they come again', async () => {
    answers = [{ status: 500 }];
    await save('a');
    await save('a');
    expect(await next()).toEqual({ kind: 'failed', reason: 'it answered 500', retryAfterMs: 0 });
    expect(await next()).toBeUndefined();
    const [waiting] = await rows();
    expect(waiting).toMatchObject({ state: 'retry', trouble: 'it answered 500' });
    expect(waiting?.wait).toBeGreaterThan(0);
    expect(waiting?.wait).toBeLessThanOrEqual(60);
    await makeDue();
    expect(await next()).toEqual({ kind: 'taken' });
    expect(await rows()).toMatchObject([{ state: 'completed', tries: 1 }]);
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

  test('are stored only with what they tell of', async () => {
    const failed = own.database.transaction().execute(async (trx) => {
      await queue.save(trx, [ended('a')]);
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    expect(await next()).toBeUndefined();
  });

  test('wait as long as the other side asks, and a day at most', async () => {
    answers = [
      { status: 429, headers: { 'retry-after': '1200' } },
      { status: 503, headers: { 'retry-after': '99999999' } },
      { status: 504 },
    ];
    await save('a', 'b', 'c');
    while ((await next()) !== undefined);
    const waits = (await rows()).map(({ wait }) => Math.ceil(wait / 10) * 10).toSorted((a, b) => a - b);
    expect(waits).toEqual([60, 1_200, 86_400]);
  });

  test('follow no redirect, and stop for an address that is gone', async () => {
    answers = [{ status: 302, headers: { location: webhook.url } }, { status: 410 }];
    await save('a', 'b', 'c');
    expect(await next()).toMatchObject({ kind: 'failed', reason: 'it answered 302' });
    expect(await next()).toEqual({ kind: 'gone' });
    await save('d');
    await makeDue();
    expect(await next()).toBeUndefined();
    expect(got).toHaveLength(2);
    expect(await rows()).toMatchObject([{ state: 'completed' }]);
  });

  test('are tried over days, then given up, and name no address', async () => {
    const dead = { ...webhook, url: 'http://127.0.0.1:1/secret-path' };
    await using mine = await NoticeQueue.open(store.address, [dead], fail);
    await own.database.transaction().execute(async (trx) => mine.save(trx, [ended('a')]));
    const waits = [];
    for (;;) {
      const sent = await mine.tellNext(dead, async ({ id }) => send(dead, { id, body: '{}' }));
      expect(sent).toMatchObject({ kind: 'failed' });
      expect(JSON.stringify([sent, await rows()])).not.toContain('secret-path');
      const [row] = await rows();
      if (row?.state !== 'retry') break;
      waits.push(row.wait);
      await makeDue();
    }
    expect(waits).toHaveLength(13);
    expect(waits.reduce((sum, wait) => sum + wait) / 3_600).toBeGreaterThan(24);
    expect(waits.reduce((sum, wait) => sum + wait) / 3_600).toBeLessThan(144);
    expect(await rows()).toMatchObject([{ state: 'failed', trouble: expect.any(String) }]);
  });

  test('of a process that died while it told one are told by another', async () => {
    await save('a');
    await using dying = await NoticeQueue.open(store.address, [webhook], fail);
    const died = dying.tellNext(webhook, async () => Promise.reject(new Error('killed')));
    await expect(died).rejects.toThrow('killed');
    expect(await next()).toBeUndefined();
    await sql`update choo_jobs.job set started_on = now() - interval '2 minutes'`.execute(own.database);
    const boss = new PgBoss({
      ...('url' in store.address ? { connectionString: store.address.url } : store.address),
      schema: 'choo_jobs',
      supervise: false,
      schedule: false,
    });
    await boss.start();
    await boss.supervise();
    await boss.stop({ graceful: false });
    await makeDue();
    expect(await next()).toEqual({ kind: 'taken' });
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
