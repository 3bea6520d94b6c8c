import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import pLimit from 'p-limit';
import { renderRefusedSignIn, renderSignIn } from '../pages/sign-in-page.ts';
import type { Visitor } from '../visitor.ts';
import { type App, type Env, readForm, type Room } from './env.ts';

/** An account of GitHub that signed in. Its number is who it is; the name may change. */
interface Account {
  readonly id: number;
  readonly login: string;
}

/** How visitors sign in, and what they may see then. */
export interface SignIn {
  /** GitHub's page that asks somebody whether they want to, and sends them back with `state` and a code. */
  readonly authorizeUrl: (asked: { readonly state: string; readonly challenge: string }) => string;
  /** Who somebody is that came back with a code; undefined: GitHub does not say so. Throws when it does not answer. */
  readonly exchange: (code: string, verifier: string) => Promise<Account | undefined>;
  /** Begins a session, and returns its token. */
  readonly begin: (account: Account) => Promise<string>;
  /** The account of a session that goes on. */
  readonly find: (token: string) => Promise<Account | undefined>;
  /** Ends all sessions of an account. */
  readonly end: (account: Account) => Promise<void>;
  readonly visitorOf: (account: Account) => Pick<Visitor, 'isOperator' | 'grantFor' | 'runs'>;
}

/** The cookies; `__Host-` is put before the names: this host's alone, over https or on this machine. */
const SESSION = 'choo-session';
const ATTEMPT = 'choo-sign-in';
/** How long somebody may take on GitHub's page. Seconds. */
const ATTEMPT_SECONDS = 10 * 60;
/** Codes that are exchanged at once, and that wait for it. */
const EXCHANGES = 4;
const MAX_WAITING = 64;
/** The largest form of a sign-out. Bytes. */
const MAX_BODY = 4 * 1024;

/** Adds the sign-in. What is added to the routes later is for visitors who signed in. */
export function addSignIn(app: App, { views, page }: Room, signIn: SignIn): void {
  const { base } = views;
  const exchanges = pLimit(EXCHANGES);
  const options = { prefix: 'host', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' } as const;

  app.get('/sign-in', (c) => {
    const to = placeOf(c.req.query('to'), base);
    return c.html(page(c, { title: 'sign in', content: renderSignIn(base, to) }));
  });

  // GitHub sends the browser back, and only the one that was here has the other half.
  app.get('/sign-in/github', (c) => {
    const [state, verifier] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('base64url'));
    const to = placeOf(c.req.query('to'), base);
    setCookie(c, ATTEMPT, `${state}.${verifier}.${to}`, { ...options, maxAge: ATTEMPT_SECONDS });
    const challenge = createHash('sha256')
      .update(verifier ?? '')
      .digest('base64url');
    return c.redirect(signIn.authorizeUrl({ state: state ?? '', challenge }), 303);
  });

  app.get('/sign-in/callback', async (c) => {
    const [, state = '', verifier = '', to = ''] =
      /^([\w-]{43})\.([\w-]{43})\.(.*)$/.exec(getCookie(c, ATTEMPT, 'host') ?? '') ?? [];
    deleteCookie(c, ATTEMPT, options);
    const refuse = async (reason: string, status: 400 | 403 | 503): Promise<Response> =>
      c.html(page(c, { title: 'not signed in', content: renderRefusedSignIn(base, reason) }), status);
    if (state === '' || !isSame(c.req.query('state') ?? '', state))
      return refuse('This is not the end of a sign-in that this browser began here a moment ago.', 400);
    const code = /^[\w-]{1,200}$/.exec(c.req.query('code') ?? '')?.[0];
    if (code === undefined) return refuse('GitHub gave no leave: you, or it, said no.', 403);
    if (exchanges.pendingCount >= MAX_WAITING) return refuse('Too many people sign in at this moment.', 503);
    const account = await exchanges(async () => signIn.exchange(code, verifier));
    if (account === undefined) return refuse('GitHub does not take the code that it gave.', 403);
    setCookie(c, SESSION, await signIn.begin(account), options);
    return c.redirect(placeOf(to, base), 303);
  });

  const visitorOf = async (c: Context<Env>): Promise<Visitor | undefined> => {
    const token = getCookie(c, SESSION, 'host') ?? '';
    const account = /^[\w-]{43}$/.test(token) ? await signIn.find(token) : undefined;
    if (account === undefined) return undefined;
    const formToken = createHmac('sha256', token).update('forms').digest('base64url');
    return { login: account.login, id: String(account.id), formToken, ...signIn.visitorOf(account) };
  };

  app.use(async (c, next) => {
    const visitor = await visitorOf(c);
    if (visitor !== undefined) {
      c.set('visitor', visitor);
      return next();
    }
    const isPage = c.req.method === 'GET' && !c.req.path.endsWith('/stream');
    if (isPage) return c.redirect(`${base}/sign-in?to=${encodeURIComponent(c.req.path)}`, 303);
    return c.text('sign in first\n', 401);
  });

  app.post('/sign-out', bodyLimit({ maxSize: MAX_BODY }), async (c) => {
    await readForm(c);
    const { id, login = '' } = c.get('visitor');
    await signIn.end({ id: Number(id), login });
    deleteCookie(c, SESSION, options);
    return c.redirect(`${base}/sign-in`, 303);
  });
}

/** Where a sign-in leads to: a page of this dashboard, whatever was asked for. */
function placeOf(asked: string | undefined, base: string): string {
  const isOurs = asked !== undefined && asked.length <= 500 && asked.startsWith(`${base}/`);
  return isOurs && /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+\/?$/.test(asked) ? asked : `${base}/`;
}

/** Compares in constant time. */
function isSame(given: string, expected: string): boolean {
  const [one, other] = [given, expected].map((text) => createHash('sha256').update(text).digest());
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}
