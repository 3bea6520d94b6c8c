import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { clientOf } from '../clients.ts';
import { startWorld } from './case-world.ts';

/** GitHub's "Generating a user access token for a GitHub App", the web application flow. */

type GitHub = Awaited<ReturnType<typeof startWorld>>['github'];

/** The App's callback URL; a server on this machine may have any port. */
const CALLBACK = 'http://127.0.0.1/dashboard/sign-in/callback';
const VERIFIER = randomBytes(32).toString('base64url');
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');
const STATE = 'state of a browser';

/** Asks for leave as somebody; the address that the browser is sent to. */
async function authorize(
  github: GitHub,
  login: string,
  more: Readonly<Record<string, string>> = {},
): Promise<URL> {
  const { GITHUB_CLIENT_ID: client_id } = github.environment;
  const asked = { client_id, redirect_uri: CALLBACK, state: STATE, ...more };
  const response = await fetch(`${github.origin}/login/oauth/authorize`, {
    method: 'POST',
    body: new URLSearchParams({ ...asked, as: login }),
    redirect: 'manual',
  });
  expect(response.status).toBe(302);
  return new URL(response.headers.get('location') ?? '');
}

/** Exchanges a code; what is answered. */
async function exchange(
  github: GitHub,
  code: string | null,
  more: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { GITHUB_CLIENT_ID: client_id, GITHUB_CLIENT_SECRET: client_secret } = github.environment;
  const asked = { client_id, client_secret, code: code ?? '', redirect_uri: CALLBACK, ...more };
  const response = await fetch(`${github.origin}/login/oauth/access_token`, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams(asked),
  });
  expect(response.status).toBe(200); // an error is told in the body
  return (await response.json()) as Readonly<Record<string, unknown>>;
}

const codeOf = (url: URL): string | null => url.searchParams.get('code');

describe('signing in', () => {
  test('gives a token of the person for a code, which is good once', async () => {
    await using world = await startWorld();
    const { github } = world;
    const back = await authorize(github, 'alice');
    expect(back.href.startsWith(`${CALLBACK}?`)).toBe(true);
    expect(back.searchParams.get('state')).toBe(STATE);
    const token = await exchange(github, codeOf(back));
    expect(token).toMatchObject({ token_type: 'bearer', scope: '', expires_in: 28_800 });
    expect(token['access_token']).toMatch(/^ghu_/);
    expect(token['refresh_token']).toMatch(/^ghr_/);
    const { data } = await clientOf(github, String(token['access_token'])).rest.users.getAuthenticated();
    expect(data.login).toBe('alice');
    expect(await exchange(github, codeOf(back))).toMatchObject({ error: 'bad_verification_code' });
  });

  test('takes a code that began with a challenge with its verifier alone', async () => {
    await using world = await startWorld();
    const { github } = world;
    const asked = { code_challenge: CHALLENGE, code_challenge_method: 'S256' };
    for (const code_verifier of ['', CHALLENGE, VERIFIER.slice(1)]) {
      const code = codeOf(await authorize(github, 'alice', asked));
      expect(await exchange(github, code, { code_verifier })).toMatchObject({
        error: 'bad_verification_code',
      });
    }
    const code = codeOf(await authorize(github, 'alice', asked));
    expect(await exchange(github, code, { code_verifier: VERIFIER })).toHaveProperty('access_token');
  });

  test('tells who says no, and sends nobody to an address that is not registered', async () => {
    await using world = await startWorld();
    const { github } = world;
    const denied = await authorize(github, '');
    expect([denied.searchParams.get('error'), codeOf(denied)]).toEqual(['access_denied', null]);
    expect(denied.searchParams.get('state')).toBe(STATE);
    const local = await authorize(github, 'alice', { redirect_uri: CALLBACK.replace('/dash', ':4711/dash') });
    expect([local.port, codeOf(local)]).toEqual(['4711', expect.any(String)]);
    for (const redirect_uri of ['https://evil.example/', `${CALLBACK}/../other`]) {
      const back = await authorize(github, 'alice', { redirect_uri });
      expect(back.searchParams.get('error')).toBe('redirect_uri_mismatch');
      expect(`${back.origin}${back.pathname}`).toBe(CALLBACK);
    }
  });

  test('refuses a wrong secret, a made-up code, and another address than the code was asked for', async () => {
    await using world = await startWorld();
    const { github } = world;
    const code = codeOf(await authorize(github, 'alice'));
    expect(await exchange(github, code, { client_secret: 'wrong' })).toMatchObject({
      error: 'incorrect_client_credentials',
    });
    expect(await exchange(github, 'made-up')).toMatchObject({ error: 'bad_verification_code' });
    expect(await exchange(github, code, { redirect_uri: 'https://evil.example/' })).toMatchObject({
      error: 'redirect_uri_mismatch',
    });
  });
});
