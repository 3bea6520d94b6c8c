import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { Settings } from '../config/settings.ts';
import { GitHubApp } from '../github/api/client.ts';
import type { CredentialsOf } from '../orchestrator/server/remote-repositories.ts';
import type { ServerContexts } from '../orchestrator/server/server-context.ts';
import type { Database } from '../store/database/database.ts';
import { DeliveryQueue } from '../store/github/deliveries.ts';
import { publishNextReport } from '../store/github/reports.ts';
import { WriteRateLimiter } from '../store/github/write-rate-limiter.ts';
import { WorkLoop } from '../store/queue/work-loop.ts';
import type { ServerStore } from '../store/server-store.ts';
import { createHandler } from './inbound/handlers.ts';
import { approveRun } from './outbound/approval.ts';
import { Reporter } from './outbound/reporter.ts';
import type { AppSettings } from './receiver.ts';
import type { HandlerServices } from './repository/open-repository.ts';

/** Deliveries that a process handles at the same time, and runs that it tells about. */
const HANDLERS = 4;
const REPORTERS = 2;

/** GitHub for this process. `onToken` is told of each token before it is used. */
export function openGitHub(
  app: AppSettings,
  database: Database,
  settings: Settings,
  onToken: (value: string) => void,
): GitHubApp {
  return new GitHubApp(app, new WriteRateLimiter(database, settings.CHOO_WRITE_PAUSE_MS), onToken);
}

/**
 * What git needs for a repository of the App: a header with a token for that very repository, by its number, and for its
 * address alone. Who else may have the address by now, the token opens nothing there.
 */
export function gitCredentials(github: GitHubApp): CredentialsOf {
  return async ({ remote, github: of }, renew) => {
    if (of === null) return {};
    const token = await github.gitToken(Number(of.installation), Number(of.id), renew);
    const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
    return { [`http.${remote}.extraHeader`]: `Authorization: Basic ${basic}` };
  };
}

interface AppWork extends AsyncDisposable {
  /** Whether a run may start its first unit. */
  readonly approve: (run: string) => ReturnType<typeof approveRun>;
}

/** Handles deliveries and tells about runs, until it is disposed of. */
export function startAppWork(
  app: AppSettings,
  settings: Settings,
  services: ServerStore & {
    readonly contexts: ServerContexts;
    readonly github: GitHubApp;
    readonly redact: (text: string) => string;
    readonly log: Logger;
  },
): AppWork {
  const { database, listener, log, redact } = services;
  const onTrouble = (what: string) => (error: unknown) =>
    log.error({ reason: redact(messageOf(error)) }, what);
  const handlerServices: HandlerServices = {
    ...services,
    origin: app.origin,
    policy: {
      bots: new Set(settings.CHOO_ALLOWED_BOTS),
      allowedProviders: settings.CHOO_ALLOWED_PROVIDERS,
      provider: settings.CHOO_PROVIDER ?? settings.RALPH_PROVIDER,
      sandbox: settings.CHOO_SANDBOX,
    },
  };
  const deliveries = new DeliveryQueue(database);
  const handle = createHandler(handlerServices);
  const reporter = new Reporter(handlerServices, (what, error) => onTrouble(what)(error));
  const stack = new AsyncDisposableStack();
  stack.use(
    new WorkLoop({
      listener,
      about: ['run', 'report'],
      width: REPORTERS,
      act: async () =>
        (await publishNextReport(database, async (report, signal) => reporter.publish(report, signal))) !==
        undefined,
      onError: onTrouble('reports could not be read'),
    }),
  );
  stack.use(
    new WorkLoop({
      listener,
      about: ['delivery'],
      width: HANDLERS,
      act: async () => {
        const handled = await deliveries.handleNext(handle);
        if (handled?.kind === 'failed')
          log.error({ reason: handled.reason }, 'a delivery could not be handled');
        if (handled?.kind === 'lost') log.warn('a delivery is handled again: its lease was lost');
        return handled !== undefined;
      },
      onError: onTrouble('deliveries could not be read'),
    }),
  );
  return {
    approve: async (run) => approveRun(run, handlerServices),
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
}
