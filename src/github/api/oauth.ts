import { z } from 'zod';

/** The App as people sign in with it. */
export interface OAuthApp {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Scheme and host of GitHub, and the address of its REST API. */
  readonly origin: string;
  readonly apiUrl: string;
  /** Where GitHub sends browsers back to: one of the App's callback URLs. */
  readonly callbackUrl: string;
}

/** The path of the dashboard, and of a sign-in's return to it. */
export const DASHBOARD_PATH = '/dashboard';
export const CALLBACK_PATH = `${DASHBOARD_PATH}/sign-in/callback`;

/** Time limit of a request. Milliseconds. */
const TIMEOUT_MS = 10_000;

const answerSchema = z.union([
  z.object({ access_token: z.string().regex(/^[\x21-\x7e]{1,500}$/) }),
  z.object({ error: z.string() }),
]);
const userSchema = z.object({
  id: z.int().positive(),
  login: z.string().regex(/^[\w-]{1,100}$/),
  type: z.string(),
});

/**
 * The page of GitHub that asks a person whether they sign in. `challenge`: the SHA-256 of the verifier in base64url (PKCE). No
 * scope: an App has none, and choo asks who somebody is, nothing else.
 */
export function authorizeUrl(
  { origin, clientId, callbackUrl }: Pick<OAuthApp, 'origin' | 'clientId' | 'callbackUrl'>,
  { state, challenge }: { readonly state: string; readonly challenge: string },
): string {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: callbackUrl,
    state,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  return `${origin}/login/oauth/authorize?${query.toString()}`;
}

/**
 * Finds the person that a code is of. Their token is used for that one question, and not kept. Undefined: GitHub refuses the
 * code. Throws when GitHub does not answer.
 */
export async function findPersonOfCode(
  app: OAuthApp,
  { code, verifier }: { readonly code: string; readonly verifier: string },
): Promise<{ readonly id: number; readonly login: string } | undefined> {
  const answer = await exchange(app, { code, verifier });
  if ('error' in answer) return undefined;
  const response = await fetch(`${app.apiUrl}/user`, {
    headers: { accept: 'application/vnd.github+json', authorization: `Bearer ${answer.access_token}` },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status === 401 || response.status === 403) return undefined;
  if (!response.ok) throw new Error(`GitHub answered ${response.status} to a sign-in`);
  const { id, login, type } = userSchema.parse(await response.json());
  return type === 'User' ? { id, login } : undefined;
}

/** Why GitHub refuses the App's own id and secret; undefined: it takes them. Asks with a code that cannot be one. */
export async function findOAuthFault(app: OAuthApp): Promise<string | undefined> {
  const answer = await exchange(app, { code: 'x'.repeat(20), verifier: 'x'.repeat(43) });
  return 'error' in answer && answer.error !== 'bad_verification_code' ? answer.error : undefined;
}

async function exchange(
  { origin, clientId, clientSecret, callbackUrl }: OAuthApp,
  { code, verifier }: { readonly code: string; readonly verifier: string },
): Promise<z.output<typeof answerSchema>> {
  const response = await fetch(`${origin}/login/oauth/access_token`, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({
      client_id: clientId,
      client_secret: clientSecret,
      code,
      redirect_uri: callbackUrl,
      code_verifier: verifier,
    }),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status === 404) return { error: 'incorrect_client_credentials' }; // as GitHub answers to an unknown client
  if (!response.ok) throw new Error(`GitHub answered ${response.status} to a sign-in`);
  return answerSchema.parse(await response.json());
}
