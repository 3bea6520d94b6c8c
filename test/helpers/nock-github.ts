import nock from 'nock';
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, expect } from 'vitest';
import { GitHubApp, type WriteLimiter } from '../../src/github/api/client.ts';
import type { Posts } from '../../src/github/api/upsert.ts';

/** Where the GitHub of these tests would be. */
const API = 'https://github.test';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

/** Answers of a GitHub without a state, one after the other. What nobody asked for, or asked for in vain, fails the test. */
export function useGitHub(): () => nock.Scope {
  beforeEach(() => {
    nock.disableNetConnect();
  });
  afterEach(() => {
    const pending = nock.pendingMocks();
    nock.cleanAll();
    nock.enableNetConnect();
    expect(pending).toEqual([]);
  });
  return () => nock(API);
}

/** The App, with its turns kept in memory. */
export interface TestApp {
  readonly app: GitHubApp;
  readonly held: Date[];
  readonly tokens: string[];
}

export function openApp(acquire: WriteLimiter['acquire'] = async () => undefined): TestApp {
  const [held, tokens]: [Date[], string[]] = [[], []];
  const turns: WriteLimiter = { acquire, pauseUntil: async (_, until) => void held.push(until) };
  const app = new GitHubApp(
    { appId: 5, privateKey: PEM, apiUrl: API },
    turns,
    (token) => void tokens.push(token),
  );
  return { app, held, tokens };
}

/** GitHub gives a token, and another one the next time. */
export function giveToken(github: nock.Scope, token: string, body: nock.RequestBodyMatcher = /.*/): void {
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  github.post('/app/installations/7/access_tokens', body).reply(201, { token, expires_at });
}

/** What was written before, kept in memory. */
export function keepPosts(): Posts & {
  readonly rows: Map<string, { githubId: number | null; hash: string | null }>;
} {
  const rows = new Map<string, { githubId: number | null; hash: string | null }>();
  return {
    rows,
    find: async (key) => rows.get(key),
    reserve: async (key) => {
      const before = rows.get(key);
      rows.set(key, { githubId: before?.githubId ?? null, hash: null });
      return before === undefined ? 'new' : 'again';
    },
    release: async () => {},
    save: async (key, githubId, hash) => void rows.set(key, { githubId, hash }),
  };
}
