import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DeliveryQueue } from '../../../src/store/github/deliveries.ts';
import { makeDashboardWorld } from '../../helpers/dashboard-world.ts';
import { formTokenOf, makeSignedWorld, OURS, type SignedWorld } from '../../helpers/signed-world.ts';

const PAGE = '/dashboard/server';
const HOSTILE = '<img src=x onerror=alert(1)>';

let world: SignedWorld;
let queue: DeliveryQueue;
beforeAll(async () => {
  world = await makeSignedWorld();
  queue = new DeliveryQueue(world.process.database);
});
afterAll(async () => world[Symbol.asyncDispose]());

/** A delivery that choo gave up. */
beforeEach(async () => {
  const { database } = world.process;
  await sql`delete from deliveries`.execute(database);
  const payload = { secret: 'of a payload' };
  await queue.receive({ id: 'given-up', event: 'push', payload, thread: HOSTILE, repository: null });
  await sql`update deliveries set tries = 8, handled_at = now(), trouble = ${HOSTILE}`.execute(database);
});

async function deliveries(): Promise<readonly unknown[]> {
  const { rows } = await sql`select id, tries, handled_at is null as waits from deliveries`.execute(
    world.process.database,
  );
  return rows;
}

async function audited(): Promise<readonly unknown[]> {
  const { rows } = await sql<{ entry: string }>`
    select entry from audit where entry like '%handled again%' order by number`.execute(
    world.process.database,
  );
  return rows.map(({ entry }) => JSON.parse(entry) as unknown);
}

const GIVEN_UP = [{ id: 'given-up', tries: 8, waits: false }];

describe('the page of a server', () => {
  test('shows an operator what waits and what has trouble, and no payload; nothing of a stranger acts in it', async () => {
    const page = await (await world.signedIn('root')).page(PAGE);
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(page).not.toContain(HOSTILE);
    expect(page).not.toContain('of a payload');
    expect(page).toContain(`<a href="/dashboard/runs/${OURS}">${OURS}</a>`);
    for (const name of ['claims', 'queue', 'deliveries', 'reports', 'spending', 'locks'])
      expect(page).toContain(`id="${name}"`);
    expect(Buffer.byteLength(page)).toBeLessThan(100_000);
  });

  test('is named on the pages of operators alone', async () => {
    const link = `href="${PAGE}"`;
    expect(await (await world.signedIn('root')).page('/dashboard/')).toContain(link);
    expect(await (await world.signedIn('alice')).page('/dashboard/')).not.toContain(link);
  });

  test.each(['alice', 'reader', 'stranger'])(
    'is not there for %s, nor is anything done there',
    async (login) => {
      const browser = await world.signedIn(login);
      expect((await browser.ask(PAGE)).status).toBe(404);
      expect(await browser.page(PAGE)).not.toContain('given-up');
      const token = formTokenOf(await browser.page('/dashboard/'));
      const before = await audited();
      expect((await browser.post(`${PAGE}/deliveries`, { id: 'given-up', token })).status).toBe(400);
      expect([await deliveries(), await audited()]).toEqual([GIVEN_UP, before]);
    },
  );

  test('has a delivery handled again, and the audit says who asked', async () => {
    const browser = await world.signedIn('root');
    const token = formTokenOf(await browser.page(PAGE));
    const { status, headers } = await browser.post(`${PAGE}/deliveries`, { id: 'given-up', token });
    expect([status, headers.get('location')]).toEqual([303, `${PAGE}#deliveries`]);
    expect(await deliveries()).toEqual([{ id: 'given-up', tries: 0, waits: true }]);
    expect((await audited()).at(-1)).toEqual({
      what: 'delivery handled again',
      actor: 'root',
      delivery: 'given-up',
      event: 'push',
    });
    const handled: unknown[] = [];
    await queue.handleNext(async ({ id, payload }) => {
      handled.push([id, payload]);
      return { kind: 'done' };
    });
    expect(handled).toEqual([['given-up', { secret: 'of a payload' }]]);
    // What was handled stays so.
    expect((await browser.post(`${PAGE}/deliveries`, { id: 'given-up', token })).status).toBe(400);
  });

  test('takes no form of another page, of another site, or without an id', async () => {
    const browser = await world.signedIn('root');
    const token = formTokenOf(await browser.page(PAGE));
    const own = { origin: world.origin, 'sec-fetch-site': 'same-origin' };
    const post = async (
      fields: Readonly<Record<string, string>>,
      headers: Readonly<Record<string, string>>,
    ) =>
      (
        await browser.ask(`${PAGE}/deliveries`, {
          method: 'POST',
          body: new URLSearchParams(fields),
          headers,
        })
      ).status;
    expect([
      await post({ id: 'given-up' }, own),
      await post({ id: 'given-up', token: `${token}x` }, own),
      await post({ id: 'given-up', token }, { ...own, origin: 'https://elsewhere.example' }),
      await post({ token }, own),
      await post({ id: "x' or '1'='1", token }, own),
    ]).toEqual([409, 409, 403, 400, 400]);
    expect(await deliveries()).toEqual(GIVEN_UP);
  });

  test('is not there where no server is', async () => {
    await using local = await makeDashboardWorld();
    expect((await fetch(`${local.url}server`)).status).toBe(404);
    expect(await local.page('')).not.toContain('/server"');
  });
});
