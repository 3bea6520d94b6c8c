import { mkdir } from 'node:fs/promises';
import process from 'node:process';
import { openReceiver, readAppSettings } from './app/receiver.ts';
import { readOldNames, type Settings } from './config/settings.ts';
import { openLog } from './server/log.ts';
import { Supervisor } from './server/supervisor.ts';
import type { Work } from './server/work.ts';
import { type OpenDatabase, openWebDatabase, probeTables } from './store/server-database.ts';
import { type Readiness, serveWeb } from './web/server.ts';

/** The role of a server process: web, worker, or web with a worker process of its own. */
export type Role = 'web' | 'worker' | 'all';

export interface ServeOptions {
  readonly role: Role;
  readonly host: string;
  readonly port: number;
}

/** Database connections of a web process: deliveries are written one after the other, many per transaction. */
const WEB_CONNECTIONS = 4;

/**
 * Runs a server process: settings, services, work, shutdown. Resolves after a shutdown on request, with all units
 * released. Throws a ChooError (`environment`) when it cannot start.
 */
export async function serve(settings: Settings, { role, host, port }: ServeOptions): Promise<void> {
  const log = openLog();
  using stopping = listenForStop();
  await using stack = new AsyncDisposableStack();
  for (const rename of readOldNames())
    log.warn(rename, 'setting renamed; the old name works until the next release');
  const app = readAppSettings(settings);
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
  const web = stack.use(await serveWeb({ host, port }, { readiness, receiver }));
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
