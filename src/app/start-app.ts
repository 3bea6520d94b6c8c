import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { Settings } from '../config/settings.ts';
import { GitHubApp } from '../github/api/client.ts';
import type { CredentialsOf } from '../orchestrator/server/remote-repositories.ts';
import type { ServerContexts } from '../orchestrator/server/server-context.ts';
import type { SignedRun } from '../orchestrator/server/server-unit.ts';
import type { Database } from '../store/database/database.ts';
import { type Delivery, DeliveryQueue, type Handled } from '../store/github/deliveries.ts';
import { publishNextReport } from '../store/github/reports.ts';
import { readFeedback, readRound } from '../store/github/review-rounds.ts';
import { WriteRateLimiter } from '../store/github/write-rate-limiter.ts';
import { WorkLoop } from '../store/queue/work-loop.ts';
import type { ServerStore } from '../store/server-store.ts';
import { createHandler } from './inbound/handlers.ts';
import { LostDeliveries } from './inbound/lost-deliveries.ts';
import { approveRun } from './outbound/approval.ts';
import { Reporter } from './outbound/reporter.ts';
import { findRunSignature } from './outbound/run-signature.ts';
import { PullSweep } from './pulls/sweep.ts';
import type { AppSettings } from './receiver.ts';
import { CommitSignatures } from './repository/commit-signatures.ts';
import type { HandlerServices } from './repository/open-repository.ts';

/** Deliveries that one process handles, and reports that it publishes, at the same time. */
const HANDLERS = 4;
const REPORTERS = 2;

/** GitHub for this process. `onToken` is called with each token before its first use. */
export function openGitHub(
  app: AppSettings,
  database: Database,
  settings: Settings,
  onToken: (value: string) => void,
): GitHubApp {
  return new GitHubApp(app, new WriteRateLimiter(database, settings.CHOO_WRITE_PAUSE_MS), onToken);
}

/**
 * Git's credentials for a repository of the App: a header that is sent to the repository's address only. Its token is issued
 * by the repository's number, so it opens nothing when the address has passed to another repository.
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
  /** The signature of a run's commits; undefined: choo's own. */
  readonly signatureOf: (run: SignedRun) => ReturnType<typeof findRunSignature>;
  /** The content of a round of review; undefined: there is none of that id. */
  readonly readRound: (round: string) => ReturnType<typeof readRound>;
  /** What reviews said of a unit that started over in a run. */
  readonly readFeedback: (run: string, unit: string) => ReturnType<typeof readFeedback>;
}

/** Handles deliveries and publishes runs until it is disposed of. */
export function startAppWork(
  app: AppSettings,
  settings: Settings,
  services: ServerStore & {
    readonly contexts: ServerContexts;
    readonly github: GitHubApp;
    readonly redact: (text: string) => string;
    readonly missingProviders: NonNullable<HandlerServices['policy']['missingProviders']>;
    readonly log: Logger;
  },
): AppWork {
  const { database, listener, log, redact } = services;
  const logError = (what: string) => (error: unknown) =>
    log.error({ reason: redact(messageOf(error)) }, what);
  const handlerServices: HandlerServices = {
    ...services,
    origin: app.origin,
    now: Date.now,
    story: (facts, message) => log.info(facts, message),
    policy: {
      bots: new Set(settings.CHOO_ALLOWED_BOTS),
      allowedProviders: settings.CHOO_ALLOWED_PROVIDERS,
      missingProviders: services.missingProviders,
      provider: settings.CHOO_PROVIDER ?? settings.RALPH_PROVIDER,
      sandbox: settings.CHOO_SANDBOX,
      settleMs: settings.CHOO_SETTLE_SECONDS * 1_000,
    },
  };
  const signatures = new CommitSignatures({
    ...services,
    origin: app.origin,
    onUnknown: (reason) =>
      log.warn(
        { reason: redact(reason) },
        'GitHub does not name the bot of the App; its last known name signs commits',
      ),
  });
  const deliveries = new DeliveryQueue(database);
  const handle = createHandler(handlerServices);
  const reporter = new Reporter(handlerServices, signatures, (what, error) => logError(what)(error));
  const stack = new AsyncDisposableStack();
  stack.use(
    new WorkLoop({
      listener,
      about: ['run', 'report'],
      width: REPORTERS,
      act: async () =>
        (await publishNextReport(database, async (report, signal) => reporter.publish(report, signal))) !==
        undefined,
      onError: logError('failed to read reports'),
    }),
  );
  stack.use(
    new WorkLoop({
      listener,
      about: ['delivery'],
      width: HANDLERS,
      act: async () => {
        const handled = await deliveries.handleNext(async (delivery, signal) => {
          const began = performance.now();
          const result = await handle(delivery, signal);
          logHandled(log, delivery, result, performance.now() - began);
          return result;
        });
        if (handled?.kind === 'lost') log.warn('delivery lease lost; the delivery will be handled again');
        return handled !== undefined;
      },
      onError: logError('failed to read deliveries'),
    }),
  );
  stack.use(new LostDeliveries(services));
  stack.use(new PullSweep(handlerServices, logError('failed to read pull requests')));
  return {
    approve: async (run) => approveRun(run, handlerServices),
    readRound: async (round) => readRound(database, round),
    readFeedback: async (run, unit) => readFeedback(database, run, unit),
    signatureOf: async (run) => findRunSignature(run, { database, signatures }),
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
}

/** Logs what became of a delivery: as an error what may be lost, as a warning what the owner of the installation can change. */
function logHandled(log: Logger, { id, event }: Delivery, handled: Handled, ms: number): void {
  const { kind: outcome } = handled;
  const reason = handled.kind === 'done' ? handled.trouble : handled.reason;
  const level = outcome === 'failed' ? 'error' : reason === undefined ? 'info' : 'warn';
  log[level]({ delivery: id, event, outcome, reason, durationMs: Math.round(ms) }, 'delivery handled');
}
