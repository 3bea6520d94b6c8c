import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import { LRUCache } from 'lru-cache';
import pRetry from 'p-retry';
import { messageOf } from '../../errors.ts';
import { missingPermission, MissingPermissionError } from './missing-permission.ts';

/** The App's identity, and GitHub's address. */
export interface AppIdentity {
  readonly appId: number;
  /** PEM. */
  readonly privateKey: string;
  /** Of the REST API, without a trailing slash. */
  readonly apiUrl: string;
}

/** Limits changes to one at a time; see write-rate-limiter.ts of the store. */
export interface WriteLimiter {
  acquire(installation: number, signal?: AbortSignal): Promise<Date | undefined>;
  pauseUntil(installation: number, until: Date): Promise<void>;
}

/** GitHub is rate-limiting or down; retry at `until`. */
export class RateLimitedError extends Error {
  readonly until: Date;

  constructor(reason: string, until: Date) {
    super(reason);
    this.until = until;
  }
}

/** Time limit of a request. Milliseconds. */
const TIMEOUT_MS = 15_000;
/** How long a token that lacks a permission is taken for all that there is. Milliseconds. */
const WITHHELD_MS = 60_000;
/** Lifetime of cached tokens: they are valid for an hour, and not used in the last ten minutes. Milliseconds. */
const TOKEN_MS = 50 * 60_000;
/** Pause when GitHub's rate limit names no time: a minute, as it asks. Milliseconds. */
const DEFAULT_PAUSE_MS = 60_000;
/** Pause when GitHub is down. Milliseconds. */
const OUTAGE_PAUSE_MS = 3_000;
/** Maximum tries of a read. */
const MAX_READ_TRIES = 3;

/** The App's access to GitHub: a client for each installation, and tokens for git. */
export class GitHubApp {
  readonly appId: number;
  readonly #identity: AppIdentity;
  /** Installations that granted no writing of contents, asked again now and then. */
  readonly #onlyReads = new LRUCache<number, true>({ max: 1_000, ttl: WITHHELD_MS });
  /** Installations whose token was renewed when it lacked a permission: a token keeps those that it was made with. */
  readonly #renewed = new LRUCache<number, true>({ max: 1_000, ttl: WITHHELD_MS });
  /** Returns tokens of installations from its cache or, with `refresh`, new ones. */
  readonly #auth: ReturnType<typeof createAppAuth>;
  readonly #writeLimiter: WriteLimiter;

  /** `onToken` is called with each token before its first use, so that it can be redacted. */
  constructor(identity: AppIdentity, writeLimiter: WriteLimiter, onToken: (value: string) => void) {
    const { appId, privateKey, apiUrl } = identity;
    this.appId = appId;
    this.#identity = identity;
    this.#writeLimiter = writeLimiter;
    const app = new Octokit({
      baseUrl: apiUrl,
      log: SILENT,
      request: { fetch: fetchInTime },
      authStrategy: createAppAuth,
      // By the wall clock, which runs on while the machine sleeps, as GitHub's does.
      auth: { appId, privateKey, cache: new LRUCache({ max: 10_000, ttl: TOKEN_MS, perf: Date }) },
    });
    guard(app, async () => {});
    // It asks for tokens and nothing else.
    app.hook.after('request', ({ data }) => onToken((data as { readonly token: string }).token));
    this.#auth = app.auth as ReturnType<typeof createAppAuth>;
  }

  /**
   * The client of an installation. Its requests throw a {@link RateLimitedError} for transient errors, and the signal's reason
   * once it has aborted.
   */
  clientOf(installation: number, signal?: AbortSignal): Octokit {
    const client = new Octokit({
      baseUrl: this.#identity.apiUrl,
      log: SILENT,
      request: { fetch: async (input: string, init: RequestInit) => fetchInTime(input, init, signal) },
    });
    this.#authorize(client, installation, signal);
    guard(client, async (until) => this.#writeLimiter.pauseUntil(installation, until), signal);
    return client;
  }

  /** The client of the App itself, for requests about it and its installations. Throws as {@link clientOf} does. */
  asApp(signal?: AbortSignal): Octokit {
    const { appId, privateKey, apiUrl } = this.#identity;
    const client = new Octokit({
      baseUrl: apiUrl,
      log: SILENT,
      request: { fetch: async (input: string, init: RequestInit) => fetchInTime(input, init, signal) },
      authStrategy: createAppAuth,
      auth: { appId, privateKey },
    });
    guard(client, async () => {}, signal);
    return client;
  }

  /**
   * A token for git that can only read and push one repository, or only read it where the installation grants no more: GitHub
   * then refuses the pushes. `renew`: a new one. Throws a {@link MissingPermissionError} where it grants no reading either.
   */
  async gitToken(installation: number, repository: number, renew = false): Promise<string> {
    const tokenTo = async (contents: 'read' | 'write'): Promise<string> => {
      const { token } = await this.#auth({
        type: 'installation',
        installationId: installation,
        repositoryIds: [repository],
        permissions: { contents, metadata: 'read' },
        refresh: renew,
      });
      return token;
    };
    if (this.#onlyReads.has(installation)) return tokenTo('read');
    try {
      return await tokenTo('write');
    } catch (error) {
      if (statusOf(error) !== 422) throw error;
      const token = await tokenTo('read').catch((reason: unknown) => {
        if (statusOf(reason) !== 422) throw reason;
        throw new MissingPermissionError('the repository cannot be read', 'contents=read');
      });
      this.#onlyReads.set(installation, true);
      return token;
    }
  }

  /** Has tokens of an installation renewed that lack a permission: its owner has granted more. */
  renewTokens(installation: number): void {
    this.#renewed.delete(installation);
    this.#onlyReads.delete(installation);
  }

  /** The account as which the App acts. Throws as the requests of {@link clientOf} do. */
  async findBot(
    installation: number,
    signal?: AbortSignal,
  ): Promise<{ readonly login: string; readonly id: number }> {
    const { data } = await this.asApp(signal).request('GET /app');
    // An account is not one of the few things that an App may read as itself.
    const username = `${data?.slug ?? ''}[bot]`;
    const { data: bot } = await this.clientOf(installation, signal).request('GET /users/{username}', {
      username,
    });
    return { login: bot.login, id: Number(bot.id) };
  }

  #authorize(client: Octokit, installation: number, signal: AbortSignal | undefined): void {
    client.hook.wrap('request', async (request, options) => {
      if (isChange(options.method)) {
        const until = await this.#writeLimiter.acquire(installation, signal);
        if (until !== undefined) throw new RateLimitedError('GitHub asked for a pause', until);
      }
      const send = async (refresh: boolean) => {
        const whole = { type: 'installation', installationId: installation, refresh } as const;
        options.headers.authorization = `token ${(await this.#auth(whole)).token}`;
        return request(options);
      };
      try {
        return await send(false);
      } catch (error) {
        // The token may have been revoked early, or be older than what the owner has granted since.
        const lacks = missingPermission(error) !== undefined && !this.#renewed.has(installation);
        if (statusOf(error) !== 401 && !lacks) throw error;
        if (lacks) this.#renewed.set(installation, true);
        return send(true);
      }
    });
  }
}

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function fetchInTime(input: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const late = AbortSignal.timeout(TIMEOUT_MS);
  return fetch(input, { ...init, signal: signal === undefined ? late : AbortSignal.any([late, signal]) });
}

function isChange(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

/** Turns transient errors into a {@link RateLimitedError}, after retrying reads. */
function guard(client: Octokit, pauseUntil: (until: Date) => Promise<void>, signal?: AbortSignal): void {
  client.hook.wrap('request', async (request, options) => {
    try {
      return await pRetry(async () => request(options), {
        retries: isChange(options.method) ? 0 : MAX_READ_TRIES - 1,
        minTimeout: 400,
        randomize: true,
        signal,
        shouldRetry: ({ error }) => isDown(error),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const limited = limitedUntil(error);
      if (limited !== undefined) {
        await pauseUntil(limited);
        throw new RateLimitedError('GitHub asked for a pause', limited);
      }
      if (!isDown(error)) throw error;
      throw new RateLimitedError(
        `GitHub does not answer: ${responseMessage(error)}`,
        new Date(Date.now() + OUTAGE_PAUSE_MS),
      );
    }
  });
}

function isDown(error: unknown): boolean {
  return !(error instanceof RateLimitedError) && (statusOf(error) ?? 500) >= 500;
}

/** The status of GitHub's answer; undefined when it did not answer. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  // The client's own errors have a status, too, but no response.
  return 'response' in error && error.response !== undefined ? error.status : undefined;
}

function responseMessage(error: unknown): string {
  return messageOf(error).slice(0, 200);
}

/** When a rate-limited request may be repeated; GitHub's two limits say so in several ways. */
function limitedUntil(error: unknown): Date | undefined {
  const status = statusOf(error);
  if (status !== 403 && status !== 429) return undefined;
  const { headers } = (error as { response: { headers: Record<string, string | number | undefined> } })
    .response;
  const after = Number(headers['retry-after']);
  if (after > 0) return new Date(Date.now() + after * 1_000);
  const reset = Number(headers['x-ratelimit-reset']);
  if (Number(headers['x-ratelimit-remaining'] ?? 1) === 0 && reset > 0)
    return new Date(Math.max(reset * 1_000, Date.now() + 1_000));
  const isLimit = status === 429 || /rate limit|abuse detection/i.test(responseMessage(error));
  return isLimit ? new Date(Date.now() + DEFAULT_PAUSE_MS) : undefined;
}
