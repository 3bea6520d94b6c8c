import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import process from 'node:process';
import type { Settings } from '../config/settings.ts';
import { messageOf } from '../errors.ts';
import { openDashboard } from '../web/dashboard/dashboard.ts';
import { loopbackHosts } from '../web/dashboard/defence.ts';
import type { Pages } from '../web/server.ts';
import { openDashboardStore, openServerDashboard } from './dashboard-source.ts';

/** The dashboard of a server for who can read a file of it. */
interface TokenDashboard extends AsyncDisposable {
  readonly pages: Pages;
  /** Says where it is, once the port is known. */
  readonly announce: (port: number) => Promise<void>;
}

/**
 * Opens the dashboard under an address that has a secret in it. The address is in a file that only choo's user can read, and stays
 * the same until that file is removed.
 */
export async function openTokenDashboard(settings: Settings, log: Logger): Promise<TokenDashboard> {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openDashboardStore(settings, log));
  const file = join(settings.CHOO_DATA_DIR, 'dashboard-address');
  const base = `/t/${(await readToken(file)) ?? randomBytes(16).toString('base64url')}`;
  let hosts: ReadonlySet<string> = new Set();
  const dashboard = stack.use(
    openDashboard({
      base,
      hosts: () => hosts,
      source: openServerDashboard(store, `${userInfo().username}@${hostname()}`),
      onError: (error) => log.error({ reason: messageOf(error) }, 'the dashboard failed'),
    }),
  );
  const preparing = dashboard.prepare().catch(() => {}); // a page says what is wrong
  stack.defer(async () => preparing);
  const opened = stack.move();
  return {
    pages: dashboard,
    announce: async (port) => {
      hosts = loopbackHosts(port);
      const url = `http://127.0.0.1:${port}${base}/`;
      await writeFile(`${file}.part`, `${url}\n`, { mode: 0o600 });
      await rename(`${file}.part`, file);
      log.info({ file }, 'the dashboard is open; its address is in the file');
      if (process.stdout.isTTY) process.stdout.write(`Dashboard: ${url}\n`);
    },
    [Symbol.asyncDispose]: async () => opened.disposeAsync(),
  };
}

async function readToken(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return /\/t\/([A-Za-z0-9_-]{22})\/\n$/.exec(text)?.[1];
}
