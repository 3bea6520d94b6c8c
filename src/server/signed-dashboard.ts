import type { Logger } from 'pino';
import { openGitHub } from '../app/start-app.ts';
import type { AppSettings, SignInSettings } from '../app/receiver.ts';
import { Visitors } from '../app/visitors.ts';
import type { Settings } from '../config/settings.ts';
import { messageOf } from '../errors.ts';
import { authorizeUrl, DASHBOARD_PATH, findPersonOfCode } from '../github/api/oauth.ts';
import { beginSession, endSessions, findSession } from '../store/github/sessions.ts';
import type { ServerStore } from '../store/server-store.ts';
import { type Dashboard, openDashboard } from '../web/dashboard/dashboard.ts';
import type { Pages } from '../web/server.ts';
import { openDashboardStore, openServerDashboard } from './dashboard-source.ts';

/** Opens it with a store of its own, which it closes. */
export async function openForPeople(
  app: AppSettings,
  oauth: SignInSettings,
  settings: Settings,
  log: Logger,
): Promise<AsyncDisposable & { readonly pages: Pages }> {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openDashboardStore(settings, log));
  const pages = stack.use(openSignedDashboard(app, oauth, settings, { store, log }));
  const preparing = pages.prepare().catch(() => {}); // a page says what is wrong
  stack.defer(async () => preparing);
  const opened = stack.move();
  return { pages, [Symbol.asyncDispose]: async () => opened.disposeAsync() };
}

/** Opens the dashboard of a server for people who sign in with GitHub. */
export function openSignedDashboard(
  app: AppSettings,
  oauth: SignInSettings,
  settings: Settings,
  { store, log, grantMs }: { readonly store: ServerStore; readonly log: Logger; readonly grantMs?: number },
): Dashboard {
  const { database } = store;
  const { publicUrl } = oauth;
  const source = openServerDashboard(store, 'choo');
  const visitors = new Visitors({
    database,
    github: openGitHub(app, database, settings, () => {}), // its tokens are never written down here
    operators: new Set(settings.CHOO_OPERATORS),
    now: Date.now,
    ...(grantMs === undefined ? {} : { grantMs }),
  });
  const hosts = new Set([new URL(publicUrl).host]);
  return openDashboard({
    base: DASHBOARD_PATH,
    hosts: () => hosts,
    source: { ...source, name: new URL(publicUrl).host },
    onError: (error) => log.error({ reason: messageOf(error) }, 'the dashboard failed'),
    signIn: {
      authorizeUrl: (asked) => authorizeUrl(oauth, asked),
      exchange: async (code, verifier) => findPersonOfCode(oauth, { code, verifier }),
      begin: async (account) => {
        const token = await beginSession(database, account);
        log.info({ account: account.id, login: account.login }, 'signed in to the dashboard');
        return token;
      },
      find: async (token) => findSession(database, token),
      end: async ({ id }) => endSessions(database, id),
      visitorOf: (account) => {
        const isOperator = visitors.isOperator(account);
        return {
          isOperator,
          grantFor: async (run, isAskedNow) => visitors.grantFor(account, run, isAskedNow),
          runs: async (most) => (isOperator ? source.store.runs(most) : visitors.runs(account, most)),
        };
      },
    },
  });
}
