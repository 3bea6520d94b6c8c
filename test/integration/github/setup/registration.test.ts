import { once } from 'node:events';
import { readdir, readFile, stat, symlink } from 'node:fs/promises';
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { registerApp, type RegistrationOptions } from '../../../../src/github/setup/registration.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const CODE = 'a180b1a3d263c81bc6441d7b990bae27d4c10679';
const HUSH = 'hush-hush-hush-hush';
const SECRET = 'e340154128314309424b7c8e90325147d99fdafa';
const PEM = '-----BEGIN RSA PRIVATE KEY-----\nMIIEowIB+/==\n-----END RSA PRIVATE KEY-----\n';

/** How GitHub answers the exchange of a code. */
type Reply = (response: ServerResponse, origin: string) => void | Promise<void>;

const reply =
  (status: number, changes: object, headers = {}): Reply =>
  (response, origin) => {
    const [id, slug] = [4711, 'choo-acme'];
    const app = {
      id,
      slug,
      html_url: `${origin}/github-apps/${slug}`,
      client_id: 'Iv1.1',
      client_secret: HUSH,
    };
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ ...app, pem: PEM, webhook_secret: SECRET, ...changes }));
  };
const made = reply(201, {});
const unknown = reply(404, { message: `<b>Not</b> Found\u001b[2J ${CODE}` });

/** A setup under way, with a little GitHub that gives these replies, one for each exchange. */
async function startSetup(replies: readonly Reply[], options: Partial<RegistrationOptions> = {}) {
  await using releasing = new AsyncDisposableStack();
  const { path: place } = releasing.use(await temporaryDirectory());
  const asked: string[] = [];
  const github = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    void (replies[asked.length - 1] ?? unknown)(response, origin);
  }).listen(0, '127.0.0.1');
  await once(github, 'listening');
  releasing.defer(() => {
    github.close().closeAllConnections();
  });
  const gheHost = `127.0.0.1:${(github.address() as AddressInfo).port}`;
  const origin = `http://${gheHost}`;
  const stopping = new AbortController();
  releasing.defer(() => stopping.abort());
  const said: string[] = [];
  const registered = registerApp({
    ...{ url: 'https://choo.example.com', gheHost, gheProtocol: 'http', port: 0 },
    settingsFile: join(place, 'choo.env'),
    manifestFile: fileURLToPath(new URL('../../../../app.yml', import.meta.url)),
    say: (line) => said.push(line),
    signal: stopping.signal,
    ...options,
  });
  const saying = vi.waitFor(() => said[0] ?? Promise.reject());
  await Promise.race([saying, registered]); // or it throws
  const address = (await saying).replace(/^.* /, '');
  const stop = releasing.move();
  return {
    ...{ place, file: join(place, 'choo.env'), origin, asked, said, registered, address, stopping },
    [Symbol.asyncDispose]: async () => stop.disposeAsync(),
  };
}

type Setup = Awaited<ReturnType<typeof startSetup>>;

/** What a browser gets. */
async function visit(url: string, { method = 'GET', headers = {} } = {}) {
  const [response] = await once(request(url, { method, headers, agent: false }).end(), 'response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** The form as a browser would send it. */
async function readForm({ address }: Setup) {
  const { body, headers } = await visit(address);
  const [action, manifest] = [/action="([^"]*)"/, /name="manifest" value="([^"]*)"/].map((pattern) =>
    (pattern.exec(body)?.[1] ?? '').replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))),
  );
  return { action: new URL(action ?? ''), manifest: JSON.parse(manifest ?? ''), headers };
}

/** Where GitHub sends the browser back to. */
async function wayBack(setup: Setup, changes: Record<string, string> = {}): Promise<string> {
  const { action, manifest } = await readForm(setup);
  const state = action.searchParams.get('state') ?? '';
  const query = new URLSearchParams({ code: CODE, state, ...changes });
  return `${manifest.redirect_url}?${query.toString()}`;
}

describe('registering the App', () => {
  test('takes one click and leaves settings only their owner can read', async () => {
    await using setup = await startSetup([made]);
    const { action, manifest, headers } = await readForm(setup);
    await expect(visit(setup.address.replace('127.0.0.1', '127.0.0.2'))).rejects.toThrow('ECONNREFUSED');
    expect(action.href).toBe(`${setup.origin}/settings/apps/new?state=${action.searchParams.get('state')}`);
    expect(manifest).toMatchObject({
      url: 'https://choo.example.com',
      hook_attributes: { url: 'https://choo.example.com/api/github/webhooks' },
      redirect_url: `${setup.address}/created`,
    });
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': expect.stringMatching(`^default-src 'none'.*form-action ${setup.origin}$`),
    });
    const back = await wayBack(setup);
    const done = await visit(back);
    const installUrl = `${setup.origin}/github-apps/choo-acme/installations/new`;
    expect(done).toMatchObject({ status: 200, body: expect.stringContaining(`href="${installUrl}"`) });
    await expect(setup.registered).resolves.toEqual({ appId: 4711, slug: 'choo-acme', installUrl });
    await expect(visit(back)).rejects.toThrow('ECONNREFUSED');
    expect(setup.asked).toEqual([`POST /api/v3/app-manifests/${CODE}/conversions`]);

    expect(await readdir(setup.place)).toEqual(['choo.env']);
    expect((await stat(setup.file)).mode & 0o777).toBe(0o600);
    await expect(readFile(setup.file, 'utf8')).resolves.toContain(`\nWEBHOOK_SECRET=${SECRET}\n`);
    expect(setup.said.at(-1)).toContain(installUrl);
    const shown = `${setup.said.join('\n')}${done.body}`;
    for (const secret of [SECRET, 'PRIVATE KEY', CODE, HUSH]) expect(shown).not.toContain(secret);
  });

  test('asks GitHub once, however often the browser comes back, and though it is gone then', async () => {
    const answering = Promise.withResolvers<void>();
    const late: Reply = async (...call) => answering.promise.then(async () => made(...call));
    await using setup = await startSetup([late, made]);
    const back = await wayBack(setup);
    const first = request(back, { agent: false });
    first.on('error', () => {}).end();
    await vi.waitFor(() => expect(setup.asked).toHaveLength(1));
    await expect(visit(back)).resolves.toMatchObject({ status: 409 });
    first.destroy();
    setup.stopping.abort();
    answering.resolve();
    await expect(setup.registered).resolves.toMatchObject({ appId: 4711 });
    expect([setup.asked.length, await readdir(setup.place)]).toEqual([1, ['choo.env']]);
  });

  test('leaves nothing when it is stopped', async () => {
    await using setup = await startSetup([]);
    setup.stopping.abort();
    await expect(setup.registered).resolves.toBeUndefined();
    await expect(readdir(setup.place)).resolves.toEqual([]);
  });

  test.each([
    ['a refusal', unknown, 'refused (404): <b>Not</b> Found<U+001B>[2J [code]'],
    ['silence', (response: ServerResponse) => void response.destroy(), 'does not answer'],
    ['a way elsewhere', reply(307, {}, { location: '/elsewhere' }), 'does not answer'],
    ['a secret of two lines', reply(201, { webhook_secret: `${SECRET}\nX=` }), 'webhook_secret'],
    ['a key that ends its quotes', reply(201, { pem: PEM.replace('+', '"') }), 'pem'],
  ])('tells of %s, and can be tried again', async (_, failing, reason) => {
    await using setup = await startSetup([failing, made]);
    const back = await wayBack(setup);
    const { status, body } = await visit(back);
    expect(status).toBe(502);
    expect(body).not.toContain('<b>');
    expect(setup.said.at(-1)).toContain(reason);
    await expect(visit(back)).resolves.toMatchObject({ status: 200 });
    expect(new Set(setup.asked)).toEqual(new Set([`POST /api/v3/app-manifests/${CODE}/conversions`]));
    for (const shown of [body, ...setup.said]) expect(shown).not.toContain(CODE);
  });

  test.each([
    ['a name that leads here', (url: string) => url, { headers: { host: 'evil.example:80' } }],
    ['another method', (url: string) => url, { method: 'POST' }],
    ['another token', (url: string) => url.replace(/.{9}$/, '012345678'), {}],
    ['a token cut short', (url: string) => url.slice(0, -1), {}],
    ['a longer token', (url: string) => `${url}x`, {}],
    ['no token', (url: string) => url.replace(/[^/]+$/, ''), {}],
  ])('%s finds nothing', async (_, change, init) => {
    await using setup = await startSetup([made]);
    const [base, back] = [change(setup.address), await wayBack(setup)];
    for (const url of [base, `${base}/created`, back.replace(setup.address, base), new URL('/', base).href])
      await expect(visit(url, init)).resolves.toMatchObject({ status: 404 });
    expect(setup.asked).toEqual([]);
  });

  test.each([{ state: 'x'.repeat(43) }, { state: '' }, { code: '../../user' }, { code: '' }])(
    'does not ask GitHub for %j',
    async (changes) => {
      await using setup = await startSetup([made]);
      await expect(visit(await wayBack(setup, changes))).resolves.toMatchObject({ status: 400 });
      expect(setup.asked).toEqual([]);
    },
  );

  test('never takes the place of a file', async () => {
    await using setup = await startSetup([made]);
    const back = await wayBack(setup);
    await symlink('nowhere', setup.file); // while it waits
    const again = startSetup([made], { settingsFile: setup.file });
    await expect(again).rejects.toThrow(expect.objectContaining({ code: 'conflict' }));
    const astray = startSetup([made], { settingsFile: join(setup.place, 'none/choo.env') });
    await expect(astray).rejects.toThrow(expect.objectContaining({ code: 'environment' }));
    await expect(visit(back)).resolves.toMatchObject({ status: 500 });
    await expect(setup.registered).rejects.toThrow(expect.objectContaining({ code: 'conflict' }));
    const kept = (await readdir(setup.place)).find((name) => name !== 'choo.env') ?? '';
    await expect(readFile(join(setup.place, kept), 'utf8')).resolves.toContain('APP_ID=4711'); // its key is given once
  });
});
