import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formTokenOf, makeSignedWorld, OURS, type SignedWorld, THEIRS } from '../../helpers/signed-world.ts';

/**
 * What must hold for every address of the dashboard, asked of every one that its router has: a new one is tested without a word
 * here, or fails for the name of a parameter that nothing is known for.
 */

/** Addresses that anybody may ask for. */
const PUBLIC = /^\/dashboard\/(?:sign-in|sign-in\/github|sign-in\/callback|assets\/[a-z.]+)$/;

/** What another repository has in the place of each parameter, and what nobody has: both must look alike. */
const PARAMETERS: Readonly<Record<string, { readonly theirs: string; readonly nobodys: string }>> = {
  run: { theirs: THEIRS, nobodys: 'run9999999' },
  unit: { theirs: 'api', nobodys: 'api' },
  repository: { theirs: '2', nobodys: '999' },
  pair: {
    theirs: `${'0'.repeat(40)}..${'a'.repeat(40)}`,
    nobodys: `${'0'.repeat(40)}..${'a'.repeat(40)}`,
  },
};

let world: SignedWorld;
beforeAll(async () => {
  world = await makeSignedWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

/** The addresses of a method, each once. */
function addresses(method: string): readonly string[] {
  const own = world.dashboard.routes.filter((route) => route.method === method);
  return [...new Set(own.map(({ path }) => path))];
}

/** An address with the names of its parameters replaced. */
function fill(path: string, whose: 'theirs' | 'nobodys'): string {
  return path.replaceAll(/:(\w+)(?:\{(?:[^{}]|\{[^{}]*\})*\})?/g, (_, name: string) => {
    const value = PARAMETERS[name]?.[whose];
    if (value === undefined)
      throw new Error(`${path}: say in PARAMETERS what another repository has for \`${name}\``);
    return value;
  });
}

/** What an answer says, without the address and the run that were asked for. */
async function answerOf(response: Response, path: string): Promise<unknown> {
  const text = (await response.text()).replaceAll(path, 'PATH');
  const ids = [THEIRS, PARAMETERS['run']?.nobodys ?? ''];
  return [response.status, ids.reduce((rest, id) => rest.replaceAll(id, 'RUN'), text)];
}

describe('every address', () => {
  test('is one of those that are there', () => {
    expect(addresses('GET').length).toBeGreaterThan(8);
    expect(addresses('POST')).toContain('/dashboard/runs/:run/change');
    expect(new Set(world.dashboard.routes.map(({ method }) => method))).toEqual(new Set(['GET', 'POST']));
  });

  test('is tried with an id that another repository has', async () => {
    const root = await world.signedIn('root');
    expect(await root.page(fill('/dashboard/repositories/:repository', 'theirs'))).toContain('other/secrets');
    expect((await root.ask(fill('/dashboard/runs/:run', 'theirs'))).status).toBe(200);
  });

  test('but those of the sign-in shows nothing to who did not sign in, whatever session they make up', async () => {
    const asked = addresses('GET').filter((path) => !PUBLIC.test(path));
    expect(asked.length).toBeGreaterThan(5);
    const browser = world.browser();
    for (const session of ['', 'A'.repeat(43), "' or true --", 'x'.repeat(3_000)]) {
      browser.cookies.set('__Host-choo-session', session);
      for (const path of asked) {
        const answer = await browser.ask(fill(path, 'theirs'));
        expect([path, answer.status]).toEqual([path, path.endsWith('/stream') ? 401 : 303]);
        expect(await answer.text()).not.toContain('api');
      }
      for (const path of addresses('POST'))
        expect([path, (await browser.post(fill(path, 'theirs'), {})).status]).toEqual([path, 401]);
    }
  });

  test.each(['stranger', 'reader', 'alice'])(
    'with an id of another repository is to %s as one with an id of nothing',
    async (login) => {
      const browser = await world.signedIn(login);
      const named = addresses('GET').filter((path) => path.includes('/:'));
      expect(named.length).toBeGreaterThan(4);
      for (const path of named) {
        const [theirs, nobodys] = [fill(path, 'theirs'), fill(path, 'nobodys')];
        const answer = await answerOf(await browser.ask(theirs), theirs);
        expect(answer).toEqual(await answerOf(await browser.ask(nobodys), nobodys));
        expect(answer).toEqual([404, expect.any(String)]);
        expect((await browser.ask(theirs, { method: 'HEAD' })).status).toBe(404);
      }
      const token = formTokenOf(await browser.page('/dashboard/'));
      for (const path of addresses('POST').filter((each) => each.includes('/:')))
        for (const kind of ['cancel', 'retry', 'skip'])
          for (const unit of [{}, { unit: 'api' }]) {
            const fields = { kind, token, ...unit };
            const [theirs, nobodys] = [fill(path, 'theirs'), fill(path, 'nobodys')];
            const answer = await answerOf(await browser.post(theirs, fields), theirs);
            expect(answer).toEqual(await answerOf(await browser.post(nobodys, fields), nobodys));
            expect(answer).toEqual([400, expect.any(String)]);
          }
    },
  );

  test.each(['stranger', 'reader', 'alice'])(
    'without an id names nothing of another repository to %s',
    async (login) => {
      const browser = await world.signedIn(login);
      for (const path of addresses('GET').filter((each) => !each.includes('/:') && !PUBLIC.test(each)))
        expect(await browser.page(path)).not.toMatch(new RegExp(`${THEIRS}|secrets`));
    },
  );

  test('that changes something refuses every form that is not from a page of this session', async () => {
    const [root, alice] = [await world.signedIn('root'), await world.signedIn('alice')];
    const token = formTokenOf(await root.page(`/dashboard/runs/${OURS}`));
    const foreign = formTokenOf(await alice.page(`/dashboard/runs/${OURS}`));
    expect(token).toMatch(/^[\w-]{43}$/);
    const own = { origin: world.origin, 'sec-fetch-site': 'same-origin' };
    const elsewhere: readonly Readonly<Record<string, string>>[] = [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      {},
      { ...own, 'sec-fetch-site': 'cross-site' },
      { ...own, 'sec-fetch-site': 'same-site' },
      { ...own, 'sec-fetch-site': 'none' },
      { ...own, origin: `${world.origin}.evil.example` },
      { ...own, origin: world.origin.replace('127.0.0.1', 'localhost') },
      { referer: `${world.origin}/dashboard/` },
    ];
    for (const path of addresses('POST').map((each) => fill(each, 'theirs'))) {
      const send = async (
        headers: Readonly<Record<string, string>>,
        body: URLSearchParams | string,
      ): Promise<unknown> => [
        path,
        headers,
        (await root.ask(path, { method: 'POST', headers, body })).status,
      ];
      const fields = { kind: 'cancel', unit: 'api', token };
      for (const headers of elsewhere)
        expect(await send(headers, new URLSearchParams(fields))).toEqual([path, headers, 403]);
      for (const wrong of ['', foreign, `${token}x`, token.slice(1), '[object Object]'])
        expect(await send(own, new URLSearchParams({ ...fields, token: wrong }))).toEqual([path, own, 409]);
      const twice = new URLSearchParams({ ...fields, token: foreign });
      twice.append('token', 'x');
      expect(await send(own, twice)).toEqual([path, own, 409]);
      const json = { ...own, 'content-type': 'application/json' };
      expect(await send(json, JSON.stringify(fields))).toEqual([path, json, 409]);
      const asGet = await root.ask(`${path}?${new URLSearchParams(fields).toString()}`);
      expect([path, asGet.status]).toEqual([path, 404]);
    }
    expect(await root.page(`/dashboard/runs/${THEIRS}/units/api`)).not.toContain('cancelled by');
    expect((await root.ask(`/dashboard/runs/${THEIRS}`)).status).toBe(200); // nothing signed root out
  });

  test('under another name of this server is not served, though a browser sends the session there', async () => {
    const browser = await world.signedIn('root');
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    for (const { method, path } of world.dashboard.routes) {
      const host = `rebound.example:${new URL(world.origin).port}`;
      const headers = { host, cookie, origin: `http://${host}` };
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const asked = request(`${world.origin}${fill(path, 'theirs')}`, { method, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        asked.on('error', reject).end();
      });
      expect([path, status]).toEqual([path, 421]);
    }
  });
});
