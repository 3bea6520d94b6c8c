import { createHash, randomBytes } from 'node:crypto';
import type { Credentials } from './credentials.ts';
import type { FrontAnswer, FrontRequest } from './front.ts';
import type { User, World } from './world.ts';

/** A code that a person's leave made. */
interface Grant {
  readonly user: User;
  readonly redirectUri: string;
  readonly challenge: string | undefined;
  readonly until: number;
}

/** How long a code can be exchanged. Milliseconds. */
const CODE_MS = 10 * 60_000;

/** The web application flow of the App: its page asks who somebody is, instead of knowing it by a session of theirs. */
export interface OAuth {
  /** Undefined: the path is another part's. */
  readonly serve: (request: FrontRequest) => FrontAnswer | undefined;
}

/** Makes it. `people`: the credentials that its tokens are added to. */
export function createOAuth(world: World, people: Pick<Credentials, 'addPerson'>): OAuth {
  const codes = new Map<string, Grant>();

  const authorize = (asked: URLSearchParams, login: string | null): FrontAnswer => {
    if (asked.get('client_id') !== world.app.clientId) return page(404, '<h1>Not Found</h1>');
    const redirectUri = asked.get('redirect_uri') ?? world.app.callbackUrls[0] ?? '';
    const state = asked.get('state');
    const back = (answer: Readonly<Record<string, string>>, to = redirectUri): FrontAnswer => {
      const url = new URL(to);
      for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
      if (state !== null) url.searchParams.set('state', state);
      return { status: 302, headers: { location: url.href }, body: '' };
    };
    if (!world.app.callbackUrls.some((url) => isCallback(redirectUri, url)))
      return back(
        {
          error: 'redirect_uri_mismatch',
          error_description: 'The redirect_uri MUST match the registered callback URL for this application.',
        },
        world.app.callbackUrls[0],
      );
    const method = asked.get('code_challenge_method');
    const challenge = asked.get('code_challenge') ?? undefined;
    if (challenge !== undefined && method !== 'S256')
      return page(400, '<h1>code_challenge_method must be S256</h1>');
    if (login === null) return page(200, form(world, asked));
    if (login === '')
      return back({
        error: 'access_denied',
        error_description: 'The user has denied your application access.',
      });
    const user = world.users.find((each) => each.login === login);
    if (user === undefined) return page(404, '<h1>Not Found</h1>');
    const code = randomBytes(10).toString('hex');
    codes.set(code, { user, redirectUri, challenge, until: Date.now() + CODE_MS });
    return back({ code });
  };

  const exchange = (asked: URLSearchParams): FrontAnswer => {
    const { clientId, clientSecret } = world.app;
    if (asked.get('client_id') !== clientId) return json(404, { error: 'Not Found' });
    if (asked.get('client_secret') !== clientSecret)
      return json(200, {
        error: 'incorrect_client_credentials',
        error_description: 'The client_id and/or client_secret passed are incorrect.',
      });
    const code = asked.get('code') ?? '';
    const grant = codes.get(code);
    codes.delete(code); // a code is good once
    const verifier = asked.get('code_verifier') ?? '';
    const isProven =
      grant?.challenge === undefined ||
      createHash('sha256').update(verifier).digest('base64url') === grant.challenge;
    if (grant === undefined || grant.until < Date.now() || !isProven)
      return json(200, {
        error: 'bad_verification_code',
        error_description: 'The code passed is incorrect or expired.',
      });
    if (asked.get('redirect_uri') !== grant.redirectUri)
      return json(200, {
        error: 'redirect_uri_mismatch',
        error_description: 'The redirect_uri MUST match the registered callback URL for this application.',
      });
    const token = `ghu_${randomBytes(27).toString('base64url').replaceAll(/[-_]/g, 'x')}`;
    people.addPerson(token, grant.user);
    const expiry = { expires_in: 28_800, refresh_token: `ghr_${randomBytes(30).toString('hex')}` };
    return json(200, { access_token: token, token_type: 'bearer', scope: '', ...expiry });
  };

  return {
    serve: ({ method, path, query, body }) => {
      const sent = new URLSearchParams(body.toString());
      if (path === '/login/oauth/authorize')
        return method === 'POST' ? authorize(sent, sent.get('as')) : authorize(query, null);
      if (path === '/login/oauth/access_token' && method === 'POST') return exchange(sent);
      return undefined;
    },
  };
}

/** Whether an address is a callback URL; on a loopback address, the port is free. */
function isCallback(asked: string, registered: string): boolean {
  const [one, other] = [URL.parse(asked), URL.parse(registered)];
  if (one === null || other === null) return false;
  if (/^(?:127\.0\.0\.1|\[::1\])$/.test(other.hostname)) one.port = other.port;
  return one.href === other.href;
}

function form({ users, app }: World, asked: URLSearchParams): string {
  const hidden = [...asked].map(
    ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
  );
  const people = users.filter(({ type }) => type === 'User');
  const buttons = people.map(
    ({ login }) => `<button name="as" value="${escaped(login)}">${escaped(login)}</button>`,
  );
  return `<h1>Authorize ${escaped(app.slug)}</h1><form method="post" action="/login/oauth/authorize">${hidden.join('')}
<p>Sign in as</p>${buttons.join('\n')}<button name="as" value="">Cancel</button></form>`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function page(status: number, body: string): FrontAnswer {
  return {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: `<!doctype html><html lang="en"><title>GitHub</title>${body}</html>`,
  };
}

function json(status: number, body: unknown): FrontAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
  };
}
