import { realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import process from 'node:process';
import { pino } from 'pino';
import { createHostedAgents, readSecrets } from './cli/agents.ts';
import { ceilingsOf } from './config/ceilings.ts';
import type { Settings } from './config/settings.ts';
import { ChooError } from './errors.ts';
import { Housekeeping } from './orchestrator/housekeeping.ts';
import { ServerContexts } from './orchestrator/server-context.ts';
import { ServerWorker } from './orchestrator/server-worker.ts';
import { PlanThread } from './plan-thread/plan-thread.ts';
import { openBubblewrap } from './sandbox/bubblewrap.ts';
import { chooseSandbox } from './sandbox/choose.ts';
import { endLeftovers, openHostSandbox } from './sandbox/host.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { Dispatcher } from './store/dispatcher.ts';
import { openServerStore, probeTables } from './store/server-store.ts';
import { gitCredentials, openGitHub, openReceiver, readAppSettings, startAppWork } from './server-app.ts';
import { type Readiness, serveWeb } from './web/server.ts';
import { Secrets } from './worker/secrets.ts';

/** What a process of a server does: answers the web, works on units, or both. */
export type Role = 'web' | 'worker' | 'all';

export interface ServeOptions {
  readonly role: Role;
  readonly host: string;
  readonly port: number;
}

/** A database that did not hear of this process for so long makes it not ready. Milliseconds. */
const SILENT_MS = 10_000;

/**
 * The life of a server process: settings, services, work, and their end. Resolves when it was asked to stop and everything
 * is handed back; `onReady` is told where it listens. Throws a ChooError (`environment`) for what keeps it from starting.
 */
export async function serve(
  settings: Settings,
  { role, host, port }: ServeOptions,
  onReady: (port: number) => void = () => {},
): Promise<void> {
  const log = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
  const onError = (error: Error): void =>
    log.warn({ reason: error.message }, 'a connection to the database broke');
  using stopping = listenForStop();
  await using stack = new AsyncDisposableStack();
  const works = role !== 'web';
  const app = readAppSettings(settings);
  const secrets = new Secrets(secretsOf(settings));
  const owner = `choo-${randomUUID()}`;
  const sandbox = works ? await openServerSandbox(settings, owner) : undefined;
  const planThread = works ? stack.use(new PlanThread()) : undefined;
  await mkdir(settings.CHOO_DATA_DIR, { recursive: true, mode: 0o755 });
  const store = stack.use(
    await openServerStore({
      url: settings.DATABASE_URL,
      dataDirectory: settings.CHOO_DATA_DIR,
      name: `choo ${role}`,
      size: Math.min(4 + 2 * settings.CHOO_CONCURRENCY, 20) + (app === undefined ? 0 : 8),
      tables: 'migrate',
      supervise: works,
      onError,
    }),
  );
  const { database } = store;
  let dispatcher: Dispatcher | undefined;
  if (sandbox !== undefined && planThread !== undefined) {
    const github = app && openGitHub(app, database, settings, secrets.add);
    const contexts = stack.use(
      new ServerContexts(
        store,
        {
          dataDirectory: settings.CHOO_DATA_DIR,
          searchPath: settings.PATH,
          ceilings: ceilingsOf(settings),
          perform: planThread.perform,
        },
        github && gitCredentials(github),
      ),
    );
    const { redact, forms: secretForms } = secrets;
    const appWork =
      app && github && stack.use(startAppWork(app, settings, { ...store, contexts, github, redact, log }));
    const worker = new ServerWorker(
      {
        ...store,
        contexts,
        sandbox,
        agentsOf: createHostedAgents(settings.PATH, {
          providers: settings.CHOO_PROVIDERS,
          models: settings.CHOO_MODELS,
        }),
        redact,
        secretForms,
        approve: appWork?.approve,
      },
      settings.CHOO_CONCURRENCY,
    );
    dispatcher = stack.use(
      await Dispatcher.start({
        ...store,
        owner,
        concurrency: settings.CHOO_CONCURRENCY,
        maxUnits: settings.CHOO_MAX_UNITS,
        quantumMs: settings.CHOO_SLOT_SECONDS * 1_000,
        work: async (claim, teller) => worker.work(claim, teller),
        onDead: async (other) => {
          const count = await endLeftovers(other);
          log.info(
            { worker: other, processes: count },
            'a worker of this machine died; what it left was ended',
          );
        },
        onTrouble: (what, error) => log.error({ reason: messageOf(error) }, what),
      }),
    );
    stack.use(
      new Housekeeping({ ...store, contexts }, settings.CHOO_RETENTION_DAYS, (found, message) =>
        log.info(found, message),
      ),
    );
  }
  const readiness = async (): Promise<Readiness> => {
    await probeTables(database);
    if (dispatcher?.isEnding === true) return { ready: false, reason: 'it is asked to stop' };
    const late = dispatcher !== undefined && dispatcher.silentMs > SILENT_MS;
    return late
      ? { ready: false, reason: 'the database has not heard of this worker lately' }
      : { ready: true };
  };
  const receiver =
    app !== undefined && role !== 'worker' ? await openReceiver(app, database, log) : undefined;
  const web = stack.use(await serveWeb({ host, port }, { readiness, receiver }));
  log.info(
    { role, port: web.port, app: app?.appId, sandbox: sandbox?.kind, concurrency: settings.CHOO_CONCURRENCY },
    'choo serves',
  );
  onReady(web.port);

  await stopping.asked;
  log.info({ seconds: settings.CHOO_DRAIN_SECONDS }, 'asked to stop: nothing new starts');
  await dispatcher?.drain(settings.CHOO_DRAIN_SECONDS * 1_000, stopping.hurry);
  await stack.disposeAsync();
  log.info('choo has stopped');
}

/** What must be seen nowhere. */
function secretsOf({ DATABASE_URL, PRIVATE_KEY, WEBHOOK_SECRET }: Settings): readonly string[] {
  const own = [DATABASE_URL, PRIVATE_KEY, WEBHOOK_SECRET];
  return [...readSecrets(), ...own.filter((value) => value !== undefined)];
}

/** A server has no other sandbox than the one that is set, and none without one that works. */
async function openServerSandbox(settings: Settings, owner: string): Promise<Sandbox> {
  const nodePath = dirname(realpathSync(process.execPath));
  const searchPath = settings.PATH;
  const choice = await chooseSandbox(settings.CHOO_SANDBOX, {
    bubblewrap: () => openBubblewrap({ searchPath, nodePath, owner }),
    host: () =>
      openHostSandbox({
        searchPath: `${nodePath}:${searchPath}`,
        owner,
        home: '/nonexistent',
        temporary: '/tmp',
      }),
  });
  if (choice.ok) return choice.sandbox;
  throw new ChooError('environment', `bubblewrap does not work here: ${choice.reason}`, {
    hint: `${choice.hint}; or, where everybody who may push is trusted with this machine, CHOO_SANDBOX=host`,
  });
}

/** SIGTERM or SIGINT once asks to stop; once more, to hurry. */
function listenForStop(): Disposable & { readonly asked: Promise<void>; readonly hurry: AbortSignal } {
  const asked = Promise.withResolvers<void>();
  const hurry = new AbortController();
  let count = 0;
  const onSignal = (): void => {
    count += 1;
    asked.resolve();
    if (count > 1) hurry.abort();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
  return {
    asked: asked.promise,
    hurry: hurry.signal,
    [Symbol.dispose]: () => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, onSignal);
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
