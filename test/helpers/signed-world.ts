import { readAppSettings, readSignIn } from '../../src/app/receiver.ts';
import { readSettings } from '../../src/config/settings.ts';
import type { EventBody } from '../../src/events/event.ts';
import { openLog } from '../../src/server/log.ts';
import { openAppHome } from '../../src/server/app-home.ts';
import { openSignedDashboard } from '../../src/server/signed-dashboard.ts';
import { upsertRepository } from '../../src/store/github/github-repositories.ts';
import type { Dashboard } from '../../src/web/dashboard/dashboard.ts';
import { serveWeb } from '../../src/web/server.ts';
import { type GitHub, startGitHub } from '../../stand-in/stand-in.ts';
import { plannedUnit, started } from './run-events.ts';
import { openServerStore } from './server-store.ts';
import type { StoreProcess } from './server-process.ts';

/** The runs of the two repositories: `team/widgets` is open to some, `other/secrets` to none of them. */
export const OURS = 'run0000001';
export const THEIRS = 'run0000002';

/** A browser: it keeps cookies, and follows nothing by itself. */
export interface Browser {
  readonly cookies: Map<string, string>;
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>;
  /** Posts a form of a page, as a browser does. */
  readonly post: (path: string, fields: Readonly<Record<string, string>>) => Promise<Response>;
  readonly page: (path: string) => Promise<string>;
  /** Goes as far as GitHub's page, and comes back as somebody: the address that GitHub sends it to. */
  readonly comeBackAs: (login: string, to?: string) => Promise<string>;
  readonly signIn: (login: string) => Promise<void>;
}

/** A dashboard that people sign in to, with a GitHub and a database. */
export interface SignedWorld extends AsyncDisposable {
  readonly github: GitHub;
  readonly process: StoreProcess;
  readonly origin: string;
  readonly dashboard: Dashboard;
  readonly browser: () => Browser;
  /** A browser of somebody who has signed in. */
  readonly signedIn: (login: string) => Promise<Browser>;
}

/** Makes it: `alice` may push, `reader` may read, `stranger` may not look, `root` is an operator. */
export async function makeSignedWorld({
  grantMs,
  events = [],
}: { readonly grantMs?: number; readonly events?: readonly EventBody[] } = {}): Promise<SignedWorld> {
  await using stack = new AsyncDisposableStack();
  const github = stack.use(
    await startGitHub({
      users: ['alice', 'reader', 'stranger', 'root'].map((login) => ({ login })),
      repositories: [
        {
          owner: 'team',
          name: 'widgets',
          private: true,
          collaborators: { alice: 'write', reader: 'read' },
        },
        { owner: 'other', name: 'secrets', private: true },
      ],
    }),
  );
  const store = stack.use(await openServerStore());
  const process = stack.use(await store.open());
  for (const [run, owner, name] of [
    [OURS, 'team', 'widgets'],
    [THEIRS, 'other', 'secrets'],
  ] as const) {
    const repository = await upsertRepository(process.database, {
      githubId: github.repositoryId(`${owner}/${name}`),
      installation: github.installationOf(`${owner}/${name}`) ?? 0,
      owner,
      name,
      defaultBranch: 'main',
      remote: `${github.origin}/${owner}/${name}.git`,
    });
    await process.runStore.submit({
      repository: repository.id,
      start: started([plannedUnit('api'), plannedUnit('ui', { dependsOn: ['api'] })], run),
      plan: {},
    });
  }
  await append(process, OURS, events);
  let dashboard: Dashboard | undefined;
  const web = stack.use(
    await serveWeb(
      { host: '127.0.0.1', port: 0 },
      {
        readiness: async () => ({ ready: true }),
        receiver: undefined,
        pages: [
          {
            owns: (request) => dashboard?.owns(request) === true,
            handle: (request, response) => dashboard?.handle(request, response),
          },
          openAppHome({ appId: 1, origin: github.origin }, process.database, {
            publicUrl: 'https://choo.example.com',
            hasDashboard: true,
          }),
        ],
      },
    ),
  );
  const origin = `http://127.0.0.1:${web.port}`;
  const settings = readSettings({
    ...github.environment,
    CHOO_URL: origin,
    CHOO_OPERATORS: String(github.accountOf('root')),
  });
  const app = readAppSettings(settings);
  const signIn = app && readSignIn(settings, app);
  if (app === undefined || signIn === undefined || 'missing' in signIn)
    throw new Error('settings are missing');
  const log = openLog();
  log.level = 'silent';
  dashboard = stack.use(
    openSignedDashboard(app, signIn, settings, {
      store: process,
      log,
      ...(grantMs === undefined ? {} : { grantMs }),
    }),
  );
  const kept = stack.move();
  return {
    github,
    process,
    origin,
    dashboard,
    browser: () => openBrowser(origin),
    signedIn: async (login) => {
      const browser = openBrowser(origin);
      await browser.signIn(login);
      return browser;
    },
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

/** Writes events of a run as a worker's transaction does. */
async function append({ database }: StoreProcess, run: string, events: readonly EventBody[]): Promise<void> {
  if (events.length === 0) return;
  const { seq } = await database
    .selectFrom('runs')
    .select('seq')
    .where('id', '=', run)
    .executeTakeFirstOrThrow();
  const rows = events.map((body, at) => ({
    run,
    seq: seq + 1 + at,
    at: Date.now(),
    unit: 'unit' in body ? body.unit : null,
    body: JSON.stringify(body),
  }));
  await database.insertInto('events').values(rows).execute();
  await database
    .updateTable('runs')
    .set({ seq: seq + events.length })
    .where('id', '=', run)
    .execute();
}

function openBrowser(origin: string): Browser {
  const cookies = new Map<string, string>();
  const ask: Browser['ask'] = async (path, init = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(path, origin), {
      redirect: 'manual',
      ...init,
      headers: { ...(init.headers as Record<string, string> | undefined), cookie },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/; max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
  const comeBackAs: Browser['comeBackAs'] = async (login, to = '/dashboard/') => {
    const begun = await ask(`/dashboard/sign-in/github?to=${encodeURIComponent(to)}`);
    const asked = new URL(begun.headers.get('location') ?? '');
    const answer = await fetch(`${asked.origin}${asked.pathname}`, {
      method: 'POST',
      body: new URLSearchParams([...asked.searchParams, ['as', login]]),
      redirect: 'manual',
    });
    return answer.headers.get('location') ?? '';
  };
  const page: Browser['page'] = async (path) => (await ask(path)).text();
  return {
    cookies,
    ask,
    page,
    comeBackAs,
    post: async (path, fields) =>
      ask(path, {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { origin, 'sec-fetch-site': 'same-origin' },
      }),
    signIn: async (login) => {
      const { status } = await ask(await comeBackAs(login));
      if (status !== 303) throw new Error(`${login} could not sign in: ${status}`);
    },
  };
}

/** The token that the forms of a page carry. */
export function formTokenOf(page: string): string {
  return /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
}
