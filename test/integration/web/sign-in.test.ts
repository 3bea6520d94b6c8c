import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventBody } from '../../../src/events/event.ts';
import { readStream } from '../../helpers/event-stream.ts';
import { factsOf } from '../../helpers/run-events.ts';
import { formTokenOf, makeSignedWorld, OURS, type SignedWorld, THEIRS } from '../../helpers/signed-world.ts';

const RUN = `/dashboard/runs/${OURS}`;
const UNIT = `${RUN}/units/api`;

/** A unit whose agent said something, which cost something, and whose gate was red. */
function work(): readonly EventBody[] {
  const api = factsOf('api');
  const done = api.done(1, 1_234, 0.5) as Extract<EventBody, { type: 'task.provider.done' }>;
  const red = api.red(1) as Extract<EventBody, { type: 'task.validation.fail' }>;
  return [
    api.started(),
    api.invoke(1),
    { ...done, summary: 'what the agent said', message: 'what went wrong' },
    { ...red, tail: 'what the gate printed\n' },
  ];
}

let world: SignedWorld;
beforeAll(async () => {
  world = await makeSignedWorld({ events: work() });
});
afterAll(async () => world[Symbol.asyncDispose]());

describe('who sees what', () => {
  test('nobody sees anything before they sign in, and comes back to where they were', async () => {
    const browser = world.browser();
    for (const path of ['/dashboard', RUN, UNIT, `${UNIT}/output`]) {
      const { status, headers } = await browser.ask(path);
      expect([status, headers.get('location')]).toEqual([
        303,
        `/dashboard/sign-in?to=${encodeURIComponent(path)}`,
      ]);
    }
    expect((await browser.ask(`${RUN}/stream`)).status).toBe(401);
    expect((await browser.post(`${RUN}/change`, { kind: 'cancel' })).status).toBe(401);
    const back = await browser.ask(await browser.comeBackAs('reader', UNIT));
    expect(back.headers.get('location')).toBe(UNIT);
    const cookie = back.headers.getSetCookie().find((line) => line.startsWith('__Host-choo-session='));
    expect(cookie).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });

  test('a stranger sees no run, by no address', async () => {
    const browser = await world.signedIn('stranger');
    expect(await browser.page('/dashboard/')).not.toContain(OURS);
    for (const path of [RUN, UNIT, `${UNIT}/output`, `${RUN}/stream`, `${UNIT}/stream`])
      expect((await browser.ask(path)).status).toBe(404);
    const token = formTokenOf(await browser.page('/dashboard/'));
    expect((await browser.post(`${RUN}/change`, { kind: 'cancel', token })).status).toBe(400);
  });

  test('a reader sees runs, units and what gates print, not what agents say and cost, and changes nothing', async () => {
    const browser = await world.signedIn('reader');
    const inbox = await browser.page('/dashboard/');
    const [run, unit] = [await browser.page(RUN), await browser.page(UNIT)];
    expect(inbox).toContain(OURS);
    expect(unit).toContain('what the gate printed');
    for (const page of [inbox, run, unit])
      expect(page).not.toMatch(/what the agent|what went|tokens|\$\d|>Cancel<|>Skip</);
    expect(unit).not.toContain('id="output"');
    expect((await browser.ask(`${UNIT}/output`)).status).toBe(404);
    const token = formTokenOf(inbox);
    expect((await browser.post(`${RUN}/change`, { kind: 'cancel', unit: 'api', token })).status).toBe(409);
  });

  test('who may push sees all of it, and cancels a unit in their own name', async () => {
    const browser = await world.signedIn('alice');
    const unit = await browser.page(UNIT);
    expect(unit).toContain('what the agent said');
    expect(unit).toContain('id="output"');
    expect(await browser.page(RUN)).toContain('$0.50');
    const token = formTokenOf(unit);
    const { status } = await browser.post(`${RUN}/change`, { kind: 'skip', unit: 'ui', token });
    expect(status).toBe(303);
    expect(await browser.page(`${RUN}/units/ui`)).toContain('skipped by alice');
  });

  test('an operator sees the runs of every repository, and nobody else sees those of another one', async () => {
    const root = await world.signedIn('root');
    expect(await root.page('/dashboard/')).toContain(THEIRS);
    expect((await root.ask(`/dashboard/runs/${THEIRS}/units/api`)).status).toBe(200);
    for (const login of ['alice', 'reader']) {
      const browser = await world.signedIn(login);
      const inbox = await browser.page('/dashboard/');
      expect(inbox).not.toContain(THEIRS);
      const theirs = `/dashboard/runs/${THEIRS}`;
      for (const path of ['', '/stream', '/units/api', '/units/api/output', '/units/api/stream'])
        expect((await browser.ask(`${theirs}${path}`)).status).toBe(404);
      const fields = { kind: 'cancel', unit: 'api', token: formTokenOf(inbox) };
      expect((await browser.post(`${theirs}/change`, fields)).status).toBe(400);
    }
  });
});

describe('attacks on the sign-in', () => {
  test('a return without the state of this browser signs nobody in', async () => {
    const mallory = world.browser();
    const theirs = await mallory.comeBackAs('alice');
    const victim = world.browser();
    expect((await victim.ask(theirs)).status).toBe(400); // it began nothing
    await victim.comeBackAs('reader');
    expect((await victim.ask(theirs)).status).toBe(400); // it began another one
    const own = new URL(await victim.comeBackAs('reader'));
    own.searchParams.set('state', '');
    expect((await victim.ask(own.href)).status).toBe(400);
    expect([...victim.cookies.keys()]).not.toContain('__Host-choo-session');
  });

  test('a code of another browser is of no use without its verifier, and none is good twice', async () => {
    const [mallory, victim] = [world.browser(), world.browser()];
    const stolen = new URL(await victim.comeBackAs('alice')).searchParams.get('code') ?? '';
    const own = new URL(await mallory.comeBackAs('stranger'));
    own.searchParams.set('code', stolen);
    expect((await mallory.ask(own.href)).status).toBe(403);
    const again = world.browser();
    const back = await again.comeBackAs('reader');
    const kept = new Map(again.cookies);
    expect((await again.ask(back)).status).toBe(303);
    again.cookies.clear();
    for (const [name, value] of kept) again.cookies.set(name, value);
    expect((await again.ask(back)).status).toBe(403);
  });

  test('somebody who says no is not signed in', async () => {
    const browser = world.browser();
    expect((await browser.ask(await browser.comeBackAs(''))).status).toBe(403);
  });

  test.each([
    '//evil.example/dashboard/',
    'https://evil.example/dashboard/',
    '/dashboard/../../evil',
    '/dashboard//evil.example',
    '/dashboard/\\evil.example',
    '/dashboard/%2f%2fevil.example',
    'javascript:alert(1)',
    '/dashboard/runs?to=//evil.example',
    `/dashboard/${'x'.repeat(600)}`,
    '/',
  ])('a sign-in that is to lead to %s leads to the first page', async (to) => {
    const browser = world.browser();
    const back = await browser.ask(await browser.comeBackAs('reader', to));
    expect(back.headers.get('location')).toBe('/dashboard/');
  });

  test('a session ends with the sign-out, everywhere, and when it is old; a made-up one is none', async () => {
    const [one, other] = [await world.signedIn('reader'), await world.signedIn('reader')];
    const stolen = new Map(one.cookies);
    expect((await one.post('/dashboard/sign-out', {})).status).toBe(409);
    expect((await one.post('/dashboard/sign-out', { token: formTokenOf(await one.page(RUN)) })).status).toBe(
      303,
    );
    for (const [name, value] of stolen) one.cookies.set(name, value);
    for (const browser of [one, other]) expect((await browser.ask(RUN)).status).toBe(303);

    const late = await world.signedIn('reader');
    expect((await late.ask(RUN)).status).toBe(200);
    await world.process.database
      .updateTable('sessions')
      .set({ ends_at: new Date(Date.now() - 1_000) })
      .execute();
    expect((await late.ask(RUN)).status).toBe(303);
    late.cookies.set('__Host-choo-session', 'A'.repeat(43));
    expect((await late.ask(RUN)).status).toBe(303);
    const held = await world.process.database.selectFrom('sessions').selectAll().execute();
    expect(JSON.stringify(held)).not.toContain([...stolen.values()][0]); // the database holds hashes
  });

  test('a form is taken from a page of the same session alone', async () => {
    const [alice, reader] = [await world.signedIn('alice'), await world.signedIn('reader')];
    const fields = { kind: 'cancel', unit: 'api' };
    const foreign = formTokenOf(await reader.page(RUN));
    for (const token of ['', foreign])
      expect((await alice.post(`${RUN}/change`, { ...fields, token })).status).toBe(409);
    const own = formTokenOf(await alice.page(RUN));
    const crossSite = await alice.ask(`${RUN}/change`, {
      method: 'POST',
      body: new URLSearchParams({ ...fields, token: own }),
      headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    });
    expect(crossSite.status).toBe(403);
    expect(await alice.page(UNIT)).not.toContain('cancelled by');
  });

  test('an account keeps what it may do under a new name, and who takes its old name gets nothing', async () => {
    const [alice, stranger] = [await world.signedIn('alice'), await world.signedIn('stranger')];
    world.github.renameAccount('alice', 'alice-after');
    world.github.renameAccount('stranger', 'alice');
    const token = formTokenOf(await alice.page(RUN));
    const { status } = await alice.post(`${RUN}/change`, { kind: 'skip', unit: 'ui', token });
    expect(status).toBe(409); // it was skipped before: not refused for who she is
    const foreign = formTokenOf(await stranger.page('/dashboard/'));
    expect((await stranger.post(`${RUN}/change`, { kind: 'cancel', token: foreign })).status).toBe(400);
    world.github.renameAccount('alice', 'stranger');
    world.github.renameAccount('alice-after', 'alice');
  });

  test('what GitHub does not answer is not shown, and said so', async () => {
    const browser = await world.signedIn('reader');
    await world.github.down();
    try {
      const token = formTokenOf(await browser.page('/dashboard/'));
      expect((await browser.post(`${RUN}/change`, { kind: 'cancel', token })).status).toBe(503);
    } finally {
      await world.github.up();
    }
  });
});

describe('a stream', () => {
  test('ends when access is withdrawn, and is not opened again', async () => {
    await using short = await makeSignedWorld({ grantMs: 300, events: work() });
    const browser = short.browser();
    await browser.signIn('alice');
    const read = async (path: string) => {
      const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      return readStream(`${short.origin}${path}`, () => false, { cookie });
    };
    const messages = await read(`${UNIT}/stream?after=0-0`); // it ends by itself, and GitHub is asked again
    expect(messages.length).toBeGreaterThan(0);
    expect(messages[0]?.data.parts?.['summary']).toContain(formTokenOf(await browser.page(UNIT)));
    short.github.setPermission('team/widgets', 'alice', 'none');
    await expect.poll(async () => (await browser.ask(UNIT)).status, { timeout: 30_000 }).toBe(404);
    await expect(read(`${UNIT}/stream?after=0-0`)).rejects.toThrow('404');
    await expect(read(`${RUN}/stream?after=0`)).rejects.toThrow('404');
  });

  test('of one person is one of few, however many they open', async () => {
    const browser = await world.signedIn('reader');
    const ending = new AbortController();
    const asked = Array.from({ length: 40 }, async () =>
      browser.ask(`${RUN}/stream`, { signal: ending.signal }).then(({ status }) => status),
    );
    const statuses = await Promise.all(asked);
    expect(statuses.filter((status) => status === 503)).toHaveLength(10);
    const other = await world.signedIn('alice');
    const shared = await other.ask(`${RUN}/stream?after=0`, { signal: ending.signal });
    expect(shared.status).toBe(200);
    ending.abort();
    await expect.poll(world.dashboard.streams, { timeout: 60_000 }).toBe(0);
  });
});
