import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readManifest } from '../../../src/github/setup/manifest.ts';
import { openAppHome } from '../../../src/server/app-home.ts';
import { saveAppBot } from '../../../src/store/github/app-bot.ts';
import { serveWeb, type WebServer } from '../../../src/web/server.ts';
import { openServerStore, type ServerStore } from '../../helpers/server-store.ts';
import type { StoreProcess } from '../../helpers/server-process.ts';

let store: ServerStore;
let process: StoreProcess;
const servers: WebServer[] = [];
beforeAll(async () => {
  store = await openServerStore();
  process = await store.open();
});
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
  await process[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

/** The address of a home, without a slash at its end. */
async function open(
  app: { readonly appId: number; readonly origin: string },
  hasDashboard = true,
): Promise<string> {
  const home = openAppHome(app, process.database, { publicUrl: 'https://choo.example.com', hasDashboard });
  const readiness = async () => ({ ready: true }) as const;
  const server = await serveWeb(
    { host: '127.0.0.1', port: 0 },
    { readiness, receiver: undefined, pages: [home] },
  );
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

describe('the home of the App', () => {
  test('gives a reason for every permission of `app.yml`, and for no other', async () => {
    const manifest = await readManifest(fileURLToPath(new URL('../../../app.yml', import.meta.url)));
    const asked = Object.keys(manifest.default_permissions).map((name) => name.replaceAll('_', ' '));
    const page = await (await fetch(`${await open({ appId: 1, origin: 'https://github.com' })}/`)).text();
    const given = [...page.matchAll(/<dt>([^<]+)<\/dt>\s*<dd>([^<]+)<\/dd>/g)];
    expect(new Set(given.map(([, name]) => name))).toEqual(new Set(asked));
    for (const [, , reason = ''] of given) expect(reason.trim().length).toBeGreaterThan(20);
  });

  test('leads to the page of the App once GitHub has named it, and to the dashboard where there is one', async () => {
    const unnamed = await (
      await fetch(`${await open({ appId: 2, origin: 'https://github.com' }, false)}/`)
    ).text();
    expect(unnamed).not.toMatch(/href="(?!\/assets\/|\/"|#)/);
    await saveAppBot(process.database, 3, { login: 'widgets-choo[bot]', userId: 4 });
    const named = await (
      await fetch(`${await open({ appId: 3, origin: 'https://github.com' })}/?a=b`)
    ).text();
    expect(named).toContain('href="https://github.com/apps/widgets-choo"');
    expect(named).toContain('href="/dashboard"');
    const enterprise = await open({ appId: 3, origin: 'https://git.example.com' });
    expect(await (await fetch(`${enterprise}/`)).text()).toContain(
      'href="https://git.example.com/github-apps/widgets-choo"',
    );
  });

  test('makes no address of a name that GitHub gives no App', async () => {
    await saveAppBot(process.database, 5, { login: '"><script>alert(1)</script>[bot]', userId: 6 });
    const page = await (await fetch(`${await open({ appId: 5, origin: 'https://github.com' })}/`)).text();
    expect(page).not.toContain('script>');
    expect(page).not.toContain('/apps/');
  });

  test('has a strict policy and no script, is read only, and is the only page without a sign-in', async () => {
    const address = await open({ appId: 1, origin: 'https://github.com' });
    const { status, headers } = await fetch(`${address}/`);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await (await fetch(`${address}/`)).text()).not.toMatch(/<script|<style| style=| on\w+=/);
    expect((await fetch(`${address}/assets/dashboard.css`)).headers.get('content-type')).toContain(
      'text/css',
    );
    expect((await fetch(`${address}/`, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${address}/`, { method: 'POST', body: 'a=b' })).status).toBe(405);
    for (const path of ['/index.html', '/assets/../../package.json', '/assets/other', '//evil.example'])
      expect((await fetch(`${address}${path}`)).status).toBe(404);
  });
});
