import { getRequestListener } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { compress } from 'hono/compress';
import { HTTPException } from 'hono/http-exception';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { coerceError } from '../../errors.ts';
import { ASSETS, readAsset } from './assets.ts';
import { isAllowedHost, isSameOrigin, SECURITY_HEADERS } from './defence.ts';
import { html } from './markup.ts';
import { type PageParts, renderPage } from './pages/layout.ts';
import type { App, Env } from './routes/env.ts';
import { addPages } from './routes/pages.ts';
import { addRepositories } from './routes/repositories.ts';
import { addServer } from './routes/server.ts';
import { addSignIn, type SignIn } from './routes/sign-in.ts';
import { addStreams } from './routes/streams.ts';
import type { DashboardSource } from './source.ts';
import { holderOf } from './visitor.ts';
import { Views } from './views.ts';

export interface DashboardOptions {
  readonly source: DashboardSource;
  /** The path of all its addresses, without a slash at its end. */
  readonly base: string;
  /** The hosts that a browser may name: a page of another name that resolves to this machine gets nothing. */
  readonly hosts: () => ReadonlySet<string>;
  readonly onError: (error: unknown) => void;
  /** How visitors say who they are; undefined: `base` is a secret, and who has it may do everything. */
  readonly signIn?: SignIn;
  readonly now?: () => number;
}

/** The pages for people. Disposing ends its streams. */
export interface Dashboard extends Disposable {
  /** Whether a request is for it. */
  readonly owns: (request: IncomingMessage) => boolean;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Reads the newest run, so that nobody waits for what a process has to compile at its first page. */
  readonly prepare: () => Promise<void>;
  /** How many streams are open. */
  readonly streams: () => number;
  /** Its addresses, with `:names` for what differs: what holds for each is tested of each. */
  readonly routes: readonly Route[];
}

interface Route {
  readonly method: string;
  readonly path: string;
}

/** Opens the dashboard: pages from the server, and streams that keep them up to date. */
export function openDashboard(options: DashboardOptions): Dashboard {
  const { source, base, hosts, onError, signIn, now = Date.now } = options;
  const views = new Views({ source, base, now }, onError);
  const app: App = new Hono<Env>({ strict: false }).basePath(base);
  const page = (c: Context<Env>, parts: PageParts): string => {
    const visitor = c.get('visitor') as Env['Variables']['visitor'] | undefined;
    return String(renderPage(visitor ? views.contextOf(visitor) : { base, name: source.name }, parts));
  };
  const room = { views, page };

  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
    const { method } = c.req;
    if (!isAllowedHost(c.req.header('host'), hosts()))
      return c.text('this address is not served here\n', 421);
    if (method !== 'GET' && method !== 'HEAD' && !isSameOrigin(c.req.raw.headers, hosts()))
      return c.text('a page of another site may change nothing here\n', 403);
    return next();
  });
  app.use(compress());

  for (const name of ASSETS)
    app.get(`/assets/${name}`, async (c) => {
      const { type, text } = await readAsset(name);
      return c.body(text, 200, { 'content-type': type, 'cache-control': 'no-cache' });
    });

  if (signIn === undefined) {
    const holder = holderOf(source);
    app.use(async (c, next) => {
      c.set('visitor', holder);
      return next();
    });
  } else addSignIn(app, room, signIn);
  const streams = addStreams(app, room, onError);
  addPages(app, room);
  addRepositories(app, room);
  addServer(app, room);

  const problem = (c: Context<Env>, title: string, message: string, hint = ''): string =>
    page(c, {
      title,
      content: html`<h1>${title}</h1>
        <p>${message}</p>
        <p class="todo">${hint}</p>
        <p><a href="${base}/">All runs</a></p>`,
    });
  app.notFound((c) => c.html(problem(c, 'Not found', 'There is no such page.'), 404));
  app.onError((error, c) => {
    if (error instanceof HTTPException) return c.html(problem(c, 'Refused', error.message), error.status);
    const { code, message, hint } = coerceError(error);
    if (code === 'usage')
      return c.html(problem(c, 'Not found', message, hint), c.req.method === 'POST' ? 400 : 404);
    if (code === 'conflict') return c.html(problem(c, 'Refused', message, hint), 409);
    onError(error);
    if (code === 'environment') return c.html(problem(c, 'Not now', message, hint), 503);
    return c.html(problem(c, 'Something went wrong', 'The log of choo has the reason.'), 500);
  });

  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return {
    owns: ({ url = '' }) => url === base || url.startsWith(`${base}/`),
    handle: (request, response) => void listener(request, response),
    prepare: async () => views.prepare(),
    streams: streams.count,
    routes: app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => ({ method, path })),
    [Symbol.dispose]: () => streams[Symbol.dispose](),
  };
}
