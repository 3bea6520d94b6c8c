import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createHandler } from '../../../../src/app/inbound/handlers.ts';
import { ceilingsOf } from '../../../../src/config/ceilings.ts';
import { GitHubApp } from '../../../../src/github/api/client.ts';
import { ServerContexts } from '../../../../src/orchestrator/server/server-context.ts';
import { performInline } from '../../../../src/plan-thread/plan-thread.ts';
import { gitIn } from '../../../helpers/git-processes.ts';
import { openServerStore } from '../../../helpers/server-store.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

/** No delivery is handled for longer here. Milliseconds. */
const LONGEST_MS = 1_000;

/** A GitHub that gives tokens, and answers nothing else: not its API, and not git. */
async function startSilentGitHub() {
  const asked: string[] = [];
  const open = new Set<string>();
  const server = createServer((request, response) => {
    const what = `${request.method} ${request.url}`;
    if (request.url?.endsWith('/access_tokens') === true) {
      const expires_at = new Date(Date.now() + 3_600_000).toISOString();
      response.writeHead(201, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ token: 'ghs_x', expires_at }));
      return;
    }
    asked.push(what);
    open.add(what);
    response.once('close', () => open.delete(what));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    /** What still waits for an answer. */
    open: () => [...open],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function openWorld() {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory());
  const github = stack.use(await startSilentGitHub());
  const store = stack.use(await stack.use(await openServerStore()).open());
  const place = {
    dataDirectory: path,
    searchPath: process.env['PATH'] ?? '',
    ceilings: ceilingsOf({}),
    perform: performInline(),
  };
  const contexts = stack.use(new ServerContexts(store, place));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const app = new GitHubApp(
    {
      appId: 5,
      privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      apiUrl: github.origin,
    },
    { acquire: async () => undefined, pauseUntil: async () => {} },
    () => {},
  );
  const handle = createHandler(
    {
      ...store,
      contexts,
      github: app,
      origin: github.origin,
      policy: {
        bots: new Set(),
        allowedProviders: undefined,
        provider: undefined,
        sandbox: 'host',
        settleMs: 0,
      },
      now: Date.now,
      redact: (text) => text,
      story: () => {},
    },
    LONGEST_MS,
  );
  const kept = stack.move();
  return {
    github,
    path,
    handle: async (event: string, payload: object) =>
      handle({ id: event, event, receivedAt: new Date(), sentAt: null, payload: { ...COMMON, ...payload } }),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

const COMMON = {
  installation: { id: 7 },
  repository: { id: 1, name: 'widgets', default_branch: 'main', owner: { login: 'team' } },
  sender: { id: 3, login: 'alice', type: 'User' },
};
const PUSH = { ref: 'refs/heads/main', before: '0'.repeat(40), after: '1'.repeat(40), deleted: false };
const TOO_LONG = { kind: 'failed', reason: 'it took too long' };

test('a delivery whose git hangs ends at its time, and its git with it', async () => {
  await using world = await openWorld();
  for (const count of [1, 2]) {
    const from = performance.now();
    expect(await world.handle('push', PUSH)).toEqual(TOO_LONG);
    expect(gitIn(world.path)).toEqual([]);
    expect(performance.now() - from).toBeLessThan(10_000);
    expect(world.github.asked.filter((path) => path.includes('/widgets.git/'))).toHaveLength(count);
  }
  await expect.poll(world.github.open).toEqual([]);
});

test('deliveries that share what they fetch end each at its own time, and git with the last', async () => {
  await using world = await openWorld();
  const first = world.handle('push', PUSH);
  await expect.poll(() => world.github.asked.length).toBe(1);
  const second = world.handle('push', { ...PUSH, ref: 'refs/heads/other' });
  expect(await Promise.all([first, second])).toEqual([TOO_LONG, TOO_LONG]);
  expect(gitIn(world.path)).toEqual([]);
});

test('a delivery that waits for GitHub ends at its time, and asks for nothing afterwards', async () => {
  await using world = await openWorld();
  const comment = { id: 9, body: '/choo status', created_at: new Date().toISOString() };
  const asking = { action: 'created', comment, issue: { number: 1 } };
  const from = performance.now();
  expect(await world.handle('issue_comment', asking)).toEqual(TOO_LONG);
  expect(performance.now() - from).toBeLessThan(10_000);
  await expect.poll(world.github.open).toEqual([]);
  expect(world.github.asked).toHaveLength(1);
});
