import { randomUUID } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import process from 'node:process';
import type { Logger } from 'pino';
import manifest from '../../package.json' with { type: 'json' };
import { readAppSettings } from '../app/receiver.ts';
import { gitCredentials, openGitHub, startAppWork } from '../app/start-app.ts';
import { ceilingsOf } from '../config/ceilings.ts';
import { endpointsOf } from '../notify/settings.ts';
import { publicSettings, readEnvironment, readSetUpSecrets, type Settings } from '../config/settings.ts';
import { namesFor } from '../config/set-up-secrets.ts';
import { ChooError, messageOf } from '../errors.ts';
import { Maintenance } from '../orchestrator/server/maintenance.ts';
import { budgetCeilings } from '../orchestrator/server/shared-budget.ts';
import { ServerContexts } from '../orchestrator/server/server-context.ts';
import { ServerWorker } from '../orchestrator/server/server-worker.ts';
import { PlanThread } from '../plan-thread/plan-thread.ts';
import { openBubblewrap } from '../sandbox/bubblewrap/bubblewrap.ts';
import { findControlGroups } from '../sandbox/process/control-groups.ts';
import { chooseSandbox } from '../sandbox/choose.ts';
import { endLeftovers, openHostSandbox } from '../sandbox/host.ts';
import { findNetwork } from '../sandbox/machine/network.ts';
import { findChosen } from '../sandbox/machine/toolchains.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { appendAudit } from '../store/audit/chain.ts';
import { followRuns } from '../store/audit/follow-runs.ts';
import { findNotices } from '../store/notices/find-notices.ts';
import { NoticeQueue } from '../store/notices/notice-queue.ts';
import { Dispatcher } from '../store/queue/dispatcher.ts';
import { WorkLoop } from '../store/queue/work-loop.ts';
import { probeTables } from '../store/server-database.ts';
import { openServerStore } from '../store/server-store.ts';
import { createHostedAgents, findMissingProviders, readSecrets } from '../worker/agent/agents.ts';
import { Secrets } from '../worker/secrets.ts';
import { startNotifier } from './notifier.ts';
import { DiskRoom } from './disk-room.ts';
import { RunLog } from './run-log.ts';
import { MAX_HEARTBEAT_AGE_MS, type Work } from './work.ts';

/** Work in this process. */
interface ServerWork extends Work {
  readonly sandbox: string;
  /** Time since its last heartbeat in the database. Milliseconds. */
  readonly silentMs: () => number;
}

/** Starts working in this process. Throws a ChooError (`environment`) when it cannot. */
export async function openWork(settings: Settings, log: Logger): Promise<ServerWork> {
  await using stack = new AsyncDisposableStack();
  const app = readAppSettings(settings);
  const secrets = new Secrets(secretsOf(settings));
  const owner = `choo-${randomUUID()}`;
  const sandbox = await openServerSandbox(settings, owner, log);
  log.info({ sandbox: sandbox.kind, layering: await sandbox.layering() }, 'opened the sandbox');
  const planThread = stack.use(new PlanThread());
  const onLost = (error: Error): void => log.warn({ reason: error.message }, 'lost a database connection');
  const store = stack.use(
    await openServerStore({
      url: settings.DATABASE_URL,
      dataDirectory: settings.CHOO_DATA_DIR,
      name: 'choo worker',
      size: Math.min(4 + 2 * settings.CHOO_CONCURRENCY, 20) + (app === undefined ? 0 : 8),
      tables: 'migrate',
      onChange: new RunLog(log).write,
      onError: onLost,
    }),
  );
  const { database } = store;
  const started = { host: hostname(), version: manifest.version, settings: publicSettings(settings) };
  await appendAudit(database, [{ source: `start ${owner}`, what: 'worker started', facts: started }]);
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
  const setUpSecrets = readSetUpSecrets(settings.CHOO_SETUP_SECRETS);
  const unscoped = settings.CHOO_SETUP_SECRETS.find(({ scope }) => scope === undefined);
  if (unscoped !== undefined)
    throw new ChooError(
      'environment',
      `CHOO_SETUP_SECRETS names ${unscoped.name} for nobody's repositories`,
      {
        hint: `on a server say whose: \`${unscoped.name}@owner\` or \`${unscoped.name}@owner/repository\``,
      },
    );
  const { redact, forms: secretForms } = secrets;
  const missingProviders = () => findMissingProviders(settings.PATH, settings.CHOO_ALLOWED_PROVIDERS);
  const appServices = { ...store, contexts, redact, missingProviders, log };
  const appWork = app && github && stack.use(startAppWork(app, settings, { ...appServices, github }));
  const worker = new ServerWorker(
    {
      ...store,
      contexts,
      sandbox,
      agentsOf: createHostedAgents(settings.PATH, {
        providers: settings.CHOO_ALLOWED_PROVIDERS,
        models: settings.CHOO_ALLOWED_MODELS,
      }),
      redact,
      secretForms,
      setUpSecretsOf: (remote) => {
        const names = namesFor(settings.CHOO_SETUP_SECRETS, remote);
        return Object.fromEntries(names.map((name) => [name, setUpSecrets[name] ?? '']));
      },
      approve: appWork?.approve,
      signatureOf: appWork?.signatureOf,
      readRound: appWork?.readRound,
      readFeedback: appWork?.readFeedback,
    },
    settings.CHOO_CONCURRENCY,
  );
  const room = new DiskRoom(settings.CHOO_DATA_DIR, settings.CHOO_MIN_FREE_GIB, log);
  const dispatcher = stack.use(
    await Dispatcher.start({
      ...store,
      owner,
      get concurrency() {
        return room.hasRoom ? settings.CHOO_CONCURRENCY : 0;
      },
      maxUnits: settings.CHOO_MAX_UNITS,
      quantumMs: settings.CHOO_SLOT_SECONDS * 1_000,
      work: async (claim, reporter) => worker.work(claim, reporter),
      onDead: async (other) => {
        const count = await endLeftovers(other);
        log.info({ worker: other, processes: count }, 'a worker of this machine died; ended its processes');
      },
      onError: (what, error) => log.error({ reason: messageOf(error) }, what),
    }),
  );
  const endpoints = endpointsOf(settings);
  const queue =
    endpoints.length === 0 ? undefined : stack.use(await NoticeQueue.open(store.address, endpoints, onLost));
  if (queue !== undefined)
    for (const endpoint of endpoints) stack.use(startNotifier(endpoint, { ...store, queue, log }));
  const budgets = budgetCeilings(ceilingsOf(settings));
  // Once a second, and not at each event: the audit must not slow what it tells of.
  stack.use(
    new WorkLoop({
      listener: store.listener,
      about: [],
      width: 1,
      act: async () =>
        followRuns(database, async (trx, runs) => {
          await queue?.save(trx, await findNotices(trx, runs, budgets));
        }),
      onError: (error) => log.error({ reason: messageOf(error) }, 'failed to write the audit'),
    }),
  );
  const days = { runs: settings.CHOO_RETENTION_DAYS, audit: settings.CHOO_AUDIT_DAYS };
  stack.use(new Maintenance({ ...store, contexts }, days, (found, message) => log.info(found, message)));
  const kept = stack.move();
  return {
    sandbox: sandbox.kind,
    silentMs: () => dispatcher.silentMs,
    readiness: async () => {
      await probeTables(database);
      if (dispatcher.isEnding) return { ready: false, reason: 'shutting down' };
      return dispatcher.silentMs > MAX_HEARTBEAT_AGE_MS
        ? { ready: false, reason: 'the database has no recent heartbeat of this worker' }
        : { ready: true };
    },
    drain: async (hurry) => dispatcher.drain(settings.CHOO_DRAIN_SECONDS * 1_000, hurry),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

/** The values that must never be shown. */
function secretsOf({
  DATABASE_URL,
  PRIVATE_KEY,
  WEBHOOK_SECRET,
  GITHUB_CLIENT_SECRET,
  CHOO_METRICS_TOKEN,
  CHOO_NOTIFY_URL,
  CHOO_NOTIFY_SECRET,
  CHOO_NOTIFY_SLACK,
  CHOO_SETUP_SECRETS,
}: Settings): readonly string[] {
  const ofSetUp = Object.values(readSetUpSecrets(CHOO_SETUP_SECRETS));
  const ofNotices = [CHOO_NOTIFY_URL, CHOO_NOTIFY_SECRET, CHOO_NOTIFY_SLACK];
  const ofGitHub = [PRIVATE_KEY, WEBHOOK_SECRET, GITHUB_CLIENT_SECRET];
  const own = [DATABASE_URL, CHOO_METRICS_TOKEN, ...ofGitHub, ...ofNotices, ...ofSetUp];
  return [...readSecrets(), ...own.filter((value) => value !== undefined)];
}

/** Opens the sandbox that the operator set. A server never uses another one, and does not start when it does not work. */
async function openServerSandbox(settings: Settings, owner: string, log: Logger): Promise<Sandbox> {
  const nodePath = dirname(realpathSync(process.execPath));
  const searchPath = settings.PATH;
  const environment = readEnvironment();
  const network = await findNetwork(environment, { home: environment['HOME'] });
  for (const [name, reason] of network.leftOut)
    log.warn({ name, reason }, 'a setting of the network is not given to set-up and agents');
  const tools = await findChosen(
    { read: settings.CHOO_SANDBOX_READ, names: settings.CHOO_SANDBOX_ENV, secrets: secretsOf(settings) },
    environment,
  );
  const choice = await chooseSandbox(settings.CHOO_SANDBOX, {
    bubblewrap: () => {
      const directory = settings.CHOO_DATA_DIR; // where worktrees will be
      mkdirSync(directory, { recursive: true, mode: 0o755 });
      return openBubblewrap({
        searchPath,
        nodePath,
        owner,
        directory,
        network,
        tools,
      });
    },
    host: () =>
      openHostSandbox({
        searchPath: `${nodePath}:${searchPath}`,
        owner,
        home: '/nonexistent',
        temporary: '/tmp',
        network,
        variables: tools.variables,
      }),
  });
  if (choice.ok) {
    if (choice.sandbox.kind === 'bubblewrap' && findControlGroups() === undefined)
      log.info('there are no control groups for commands here: their memory is looked at each second');
    return choice.sandbox;
  }
  throw new ChooError('environment', `bubblewrap does not work here: ${choice.reason}`, {
    hint: `${choice.hint}; or set CHOO_SANDBOX=host, if you trust everyone who can push with this machine`,
  });
}
