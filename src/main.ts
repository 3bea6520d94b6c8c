import { mkdir } from 'node:fs/promises';
import process from 'node:process';
import { type AppSettings, openReceiver, readAppSettings, readSignIn } from './app/receiver.ts';
import { readOldNames, type Settings } from './config/settings.ts';
import { ChooError } from './errors.ts';
import { requireNotifySecret } from './notify/settings.ts';
import { openLog } from './server/log.ts';
import { metricsOf } from './server/server-metrics.ts';
import { Supervisor } from './server/supervisor.ts';
import type { Work } from './server/work.ts';
import { readServerFigures } from './store/database/server-figures.ts';
import { type OpenDatabase, openWebDatabase, probeTables } from './store/server-database.ts';
import { isLoopback } from './web/dashboard/defence.ts';
import { renderMetrics } from './web/metrics.ts';
import { type Pages, type Readiness, serveWeb } from './web/server.ts';

/** The role of a server process: web, worker, or web with a worker process of its own. */
export type Role = 'web' | 'worker' | 'all';

export interface ServeOptions {
  readonly role: Role;
  readonly host: string;
  readonly port: number;
  /** Serve the dashboard to who has the secret in its address. */
  readonly webToken: boolean;
}

/** Database connections of a web process: deliveries are written one after the other, many per transaction. */
const WEB_CONNECTIONS = 4;

/**
 * Runs a server process: settings, services, work, shutdown. Resolves after a shutdown on request, with all units
 * released. Throws a ChooError (`environment`) when it cannot start.
 */
export async function serve(settings: Settings, { role, host, port, webToken }: ServeOptions): Promise<void> {
  const log = openLog();
  using stopping = listenForStop();
  await using stack = new AsyncDisposableStack();
  for (const rename of readOldNames())
    log.warn(rename, 'setting renamed; the old name works until the next release');
  const app = readAppSettings(settings);
  requireNotifySecret(settings);
  if (webToken) requireLoopback({ role, host });
  await mkdir(settings.CHOO_DATA_DIR, { recursive: true, mode: 0o755 });

  const openDoor = async (): Promise<OpenDatabase> =>
    openWebDatabase({
      url: settings.DATABASE_URL,
      dataDirectory: settings.CHOO_DATA_DIR,
      name: 'choo web',
      size: WEB_CONNECTIONS,
      onError: (error) => log.warn({ reason: error.message }, 'lost a database connection'),
    });
  // First, so that a built-in PostgreSQL does not get the low priority of a worker.
  const door = role === 'worker' ? undefined : stack.use(await openDoor());

  const openWork = async (): Promise<Work> =>
    role === 'all' ? new Supervisor(log) : (await import('./server/open-work.ts')).openWork(settings, log);
  const work = role === 'web' ? undefined : stack.use(await openWork());
  const readiness = async (): Promise<Readiness> => {
    if (door !== undefined) await probeTables(door.database);
    return work?.readiness() ?? { ready: true };
  };
  const receiver = app && door && (await openReceiver(app, door.database, log));
  const metrics = door && (async () => renderMetrics(metricsOf(await readServerFigures(door.database))));
  const services = { readiness, receiver, metrics, metricsToken: settings.CHOO_METRICS_TOKEN };
  const dashboard = webToken
    ? stack.use(await (await import('./server/token-dashboard.ts')).openTokenDashboard(settings, log))
    : undefined;
  const signed = app && door && stack.use(await openForPeople(app, settings, log));
  const home =
    app &&
    door &&
    (await import('./server/app-home.ts')).openAppHome(app, door.database, {
      publicUrl: settings.CHOO_URL,
      hasDashboard: signed?.pages !== undefined,
    });
  const pages = [dashboard?.pages, signed?.pages, home].filter((each) => each !== undefined);
  const web = stack.use(await serveWeb({ host, port }, { ...services, pages }));
  await dashboard?.announce(web.port);
  const sandbox = await work?.sandbox;
  log.info(
    { role, port: web.port, app: app?.appId, sandbox, concurrency: settings.CHOO_CONCURRENCY },
    'choo is serving',
  );

  await stopping.requested;
  log.info({ seconds: settings.CHOO_DRAIN_SECONDS }, 'shutting down: nothing new starts');
  await work?.drain(stopping.hurry);
  await stack.disposeAsync();
  log.info('choo has stopped');
}

/** The dashboard for people who sign in with GitHub; without pages where the settings do not say how. */
async function openForPeople(
  app: AppSettings,
  settings: Settings,
  log: ReturnType<typeof openLog>,
): Promise<AsyncDisposable & { readonly pages: Pages | undefined }> {
  const signIn = readSignIn(settings, app);
  if ('missing' in signIn) {
    log.info({ missing: signIn.missing }, 'nobody can sign in to a dashboard: settings are missing');
    return { pages: undefined, [Symbol.asyncDispose]: async () => {} };
  }
  return (await import('./server/signed-dashboard.ts')).openForPeople(app, signIn, settings, log);
}

/** A secret in an address is for one machine: on a network it would be read. */
function requireLoopback({ role, host }: Pick<ServeOptions, 'role' | 'host'>): void {
  if (role === 'worker')
    throw new ChooError('usage', '`--web-token` needs a role that serves pages: `web` or `all`');
  if (isLoopback(host)) return;
  throw new ChooError('usage', `\`--web-token\` serves this machine only, and \`--host\` is \`${host}\``, {
    hint: 'leave out `--host`; from elsewhere, `ssh -L 3000:127.0.0.1:3000` reaches it',
  });
}

/** The first SIGTERM or SIGINT requests a shutdown; the second one makes it hurry. */
function listenForStop(): Disposable & { readonly requested: Promise<void>; readonly hurry: AbortSignal } {
  const requested = Promise.withResolvers<void>();
  const hurry = new AbortController();
  let count = 0;
  const onSignal = (): void => {
    count += 1;
    requested.resolve();
    if (count > 1) hurry.abort();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
  return {
    requested: requested.promise,
    hurry: hurry.signal,
    [Symbol.dispose]: () => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, onSignal);
    },
  };
}
