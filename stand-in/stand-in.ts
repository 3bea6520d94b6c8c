import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { administer, type Administration } from './administration.ts';
import { createCredentials } from './credentials.ts';
import { Deliveries, type Delivery, type Handmade } from './deliveries.ts';
import { startEmulator, tokenOfPerson, type Emulator } from './emulator.ts';
import { tell } from './events.ts';
import type { Fault, FaultMatch } from './faults.ts';
import { startFront, type Front, type FrontRequest, type FrontAnswer } from './front.ts';
import { createOAuth } from './oauth.ts';
import type { GitHubOptions } from './options.ts';
import { actAs, type Person } from './people.ts';
import { PRE_RECEIVE } from './push-report.ts';
import type { LoggedRequest } from './requests.ts';
import { note, type RequestLog, serve } from './serving.ts';
import { snapshotOf, type RepositoryState } from './snapshot.ts';
import { buildWorld, planWorld } from './world-building.ts';
import { repositoryNamed, type Repository, type World } from './world.ts';

/** The environment with which choo uses this GitHub. */
interface GitHubEnvironment {
  readonly APP_ID: string;
  readonly PRIVATE_KEY: string;
  readonly WEBHOOK_SECRET: string;
  readonly GITHUB_CLIENT_ID: string;
  readonly GITHUB_CLIENT_SECRET: string;
  readonly GHE_HOST: string;
  readonly GHE_PROTOCOL: 'http';
}

/** A stand-in for GitHub. Repositories are named `owner/name`. */
export interface GitHub extends Administration, AsyncDisposable {
  readonly origin: string;
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly environment: GitHubEnvironment;
  /** The app's requests, oldest first. */
  readonly requests: readonly LoggedRequest[];
  /** Has a function called with each request of the app that took effect, before its answer is sent. Undefined: no more. */
  readonly watch: (watcher: ((request: LoggedRequest) => void) | undefined) => void;
  /** The problems that `onRequest` found in them. */
  readonly violations: readonly string[];
  readonly deliveries: readonly Delivery[];
  /** Sets the address for webhooks; while it is undefined they wait. */
  readonly deliverTo: (url: string | undefined) => void;
  /** Posts any event, unchanged. */
  readonly deliver: (event: string, payload: Readonly<Record<string, unknown>>, as?: Handmade) => Delivery;
  readonly redeliver: (delivery: Delivery, options?: { readonly newGuid?: boolean }) => Delivery;
  readonly redeliverAll: () => readonly Delivery[];
  readonly redeliverFailed: () => readonly Delivery[];
  /** Loses what waits for an address, without a trace. */
  readonly loseWaiting: () => void;
  /** Resolves when no delivery is pending. */
  readonly settled: () => Promise<void>;
  readonly as: (login: string) => Person;
  readonly tokenOf: (login: string) => string;
  /** GitHub's number of an account. */
  readonly accountOf: (login: string) => number;
  /** The URL for git, with the person's credentials. */
  readonly remote: (repo: string, login: string) => string;
  /** The path of the bare repository. */
  readonly bare: (repo: string) => string;
  readonly state: (repo: string) => Promise<RepositoryState>;
  readonly installationOf: (repo: string) => number | undefined;
  readonly repositoryId: (repo: string) => number;
  readonly expireTokens: () => void;
  readonly fail: (match: FaultMatch, fault: Fault) => void;
  readonly down: Front['down'];
  readonly up: Front['up'];
}

/** Starts a stand-in. Disposal stops it and removes its files. */
export async function startGitHub(options: GitHubOptions = {}): Promise<GitHub> {
  await using releasing = new AsyncDisposableStack();
  const root = await realpath(await mkdtemp(join(tmpdir(), 'choo-github-')));
  releasing.defer(() => rm(root, { recursive: true, force: true, maxRetries: 3 }));
  await mkdir(join(root, 'hooks'));
  await writeFile(join(root, 'hooks', 'pre-receive'), PRE_RECEIVE, { mode: 0o755 });

  let answer: (request: FrontRequest) => Promise<FrontAnswer> = () => Promise.reject(new Error('not ready'));
  const log: RequestLog = {
    requests: [],
    violations: [],
    onRequest: options.onRequest,
    watcher: undefined,
  };
  const front = releasing.use(
    await startFront({ serve: (request) => answer(request), note: (request) => note(log, request) }),
  );
  const { origin } = front;
  const privateKey = options.app?.privateKey ?? newKey();
  const plan = planWorld(options, privateKey);
  const emulator: Emulator = releasing.use(await startEmulator(plan.seed, `${origin}/api/v3`));
  const deliveries = releasing.use(new Deliveries(plan.webhookSecret, options.deliverTo));
  const { world, spare } = await buildWorld(
    { options, plan, origin, root, emulator, deliveries },
    (happening): void => tell(world, happening),
  );
  const credentials = createCredentials(world, emulator);
  const oauth = createOAuth(world, credentials);
  answer = (request) => serve({ ...log, world, emulator, credentials, oauth }, request);

  // Registered again, so that it is disposed of first: no request may reach a part that has stopped.
  releasing.use(front);
  const { host } = new URL(origin);
  const stop = releasing.move();
  return {
    origin,
    host,
    environment: {
      APP_ID: `${world.app.id}`,
      PRIVATE_KEY: privateKey,
      WEBHOOK_SECRET: plan.webhookSecret,
      GITHUB_CLIENT_ID: world.app.clientId,
      GITHUB_CLIENT_SECRET: world.app.clientSecret,
      GHE_HOST: host,
      GHE_PROTOCOL: 'http',
    },
    requests: log.requests,
    watch: (watcher) => void (log.watcher = watcher),
    violations: log.violations,
    deliveries: deliveries.all,
    deliverTo: (url) => deliveries.deliverTo(url),
    deliver: (event, payload, as) => deliveries.add(event, payload, as),
    redeliver: (delivery, how) => deliveries.redeliver(delivery, how),
    redeliverAll: () => [...deliveries.all].map((delivery) => deliveries.redeliver(delivery)),
    redeliverFailed: () =>
      deliveries.all
        .filter(({ state }) => state === 'failed')
        .map((delivery) => deliveries.redeliver(delivery)),
    loseWaiting: () => deliveries.loseWaiting(),
    settled: () => deliveries.settled(),
    as: (login) => actAs(world, login),
    tokenOf: tokenOfPerson,
    accountOf: (login) => world.users.find((user) => user.login === login)?.id ?? 0,
    remote: (repo, login) =>
      `http://${encodeURIComponent(login)}:${tokenOfPerson(login)}@${host}/${repo}.git`,
    bare: (repo) => repositoryOf(world, repo).bare,
    state: (repo) => snapshotOf(repositoryOf(world, repo), world.app.slug),
    installationOf: (repo) => repositoryOf(world, repo).installation?.id,
    repositoryId: (repo) => repositoryOf(world, repo).id,
    expireTokens: credentials.expire,
    fail: front.faults.add,
    down: front.down,
    up: front.up,
    ...administer(world, emulator, spare),
    [Symbol.asyncDispose]: () => stop.disposeAsync(),
  };
}

function repositoryOf(world: World, repo: string): Repository {
  const found = repositoryNamed(world, repo);
  if (found === undefined) throw new Error(`there is no repository \`${repo}\``);
  return found;
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
}
