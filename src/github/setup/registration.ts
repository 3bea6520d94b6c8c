import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { link, lstat, open, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { finished } from 'node:stream/promises';
import { ChooError } from '../../errors.ts';
import {
  type AppKeys,
  completeManifest,
  exchangeCode,
  explainRefusal,
  githubUrls,
  type GitHubUrls,
  installUrlOf,
  isLoopback,
  manifestForm,
  parsePublicUrl,
  readManifest,
  type RegistrationTarget,
  renderPage,
  settingsText,
} from './manifest.ts';

/** Options of `choo serve --setup`. */
export interface RegistrationOptions extends RegistrationTarget {
  /** Where GitHub reaches the server that is to be; https, but for this machine. */
  readonly url: string;
  /** Gets the App's settings, for systemd's EnvironmentFile or a dotenv. It must not be there. */
  readonly settingsFile: string;
  /** `app.yml`. */
  readonly manifestFile: string;
  /** Of 127.0.0.1, for the browser; 0: any that is free. */
  readonly port: number;
  /** Prints a line to the terminal. Never receives a secret of the App. */
  readonly say: (line: string) => void;
  /** Stops waiting. The settings of an App that GitHub has created by then are still written. */
  readonly signal: AbortSignal;
}

/** An App that is registered, and whose settings are written. */
export interface RegisteredApp {
  readonly appId: number;
  readonly slug: string;
  /** Where it is installed. */
  readonly installUrl: string;
}

/** The result of the setup: what it returns or throws. */
type End = { readonly app: RegisteredApp | undefined } | { readonly error: unknown };
type Answer = readonly [status: number, html: string, end?: End];

/**
 * Registers the App: from a page on this machine with a secret address, to GitHub and back. Contacts only GitHub. Resolves when
 * the settings are written; undefined when it was aborted before. Throws a ChooError when it cannot work; a refusal by GitHub
 * is shown, and can be retried.
 */
export async function registerApp(options: RegistrationOptions): Promise<RegisteredApp | undefined> {
  const { settingsFile, port, say, signal } = options;
  // 1. Check everything before the registration: GitHub shows the key only once.
  const github = githubUrls(options);
  const publicUrl = parsePublicUrl(options.url);
  const manifest = await readManifest(options.manifestFile);
  await using draft = await draftSettings(settingsFile);

  // 2. Serve a page at a secret address, with a form for GitHub.
  const [token, state] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
  const { promise: ended, resolve: end } = Promise.withResolvers<End>();
  let phase: 'open' | 'exchanging' | 'over' = 'open';
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [status, html, result] = await answer(request);
    response.writeHead(status, headersFor(github)).end(html);
    await finished(response).catch(() => {}); // the browser has gone; the terminal shows the result, too
    if (result !== undefined) end(result);
  };
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => end({ error }));
  });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => {
    server.close().closeAllConnections();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((cause: Error) => {
    throw new ChooError('environment', `cannot listen at port ${port}: ${cause.message}`, { cause });
  });
  const { port: bound } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${bound}/setup/${token}`;
  const form = manifestForm(github, state, completeManifest(manifest, publicUrl, `${base}/created`));

  // 3. GitHub sends the browser back with a code, and gives the App's keys for it.
  async function answer({ method, headers, url = '' }: IncomingMessage): Promise<Answer> {
    const [, given = '', back] = /^\/setup\/([\w-]{1,100})(\/created)?(?:\?|$)/.exec(url) ?? [];
    const host = (headers.host ?? '').replace(/:\d+$/, '');
    // DNS rebinding: a foreign name may resolve to this machine; the browser then sends that name.
    if (!isLoopback(host) || method !== 'GET' || phase === 'over' || !isSame(given, token))
      return [404, renderPage('There is nothing here.')];
    if (back === undefined)
      return [200, renderPage(`Sign in to ${github.origin} first; it asks for the App's name.`, { form })];
    const query = new URLSearchParams(url.slice(url.indexOf('?') + 1));
    const code = query.get('code') ?? '';
    if (!isSame(query.get('state') ?? '', state) || !/^[A-Za-z0-9_-]{1,200}$/.test(code))
      return [400, renderPage('This does not come from the form of this setup.', { link: base })];
    if (phase === 'exchanging') return [409, renderPage('GitHub is being asked already.')];
    phase = 'exchanging';
    return exchange(code);
  }

  async function exchange(code: string): Promise<Answer> {
    let app: AppKeys;
    try {
      app = await exchangeCode(github, code);
    } catch (error) {
      phase = 'open';
      const reason = explainRefusal(error, code);
      say(`The App is not set up: ${reason}. Reload the page, or open the address again: ${base}`);
      const page = renderPage(`${reason}.`, { link: base });
      return signal.aborted ? [502, page, { app: undefined }] : [502, page];
    }
    phase = 'over';
    const installUrl = installUrlOf(app, github);
    try {
      await draft.publish(settingsText(app, { ...options, url: publicUrl }));
    } catch (error) {
      return [500, renderPage('The App is registered, but its settings could not be written.'), { error }];
    }
    say(`The App \`${app.slug}\` is registered. Its settings, and its key, are in ${settingsFile}`);
    say(`Next, install it: ${installUrl}`);
    const { id: appId, slug } = app;
    const page = renderPage('The App is registered. Install it next:', { link: installUrl });
    return [200, page, { app: { appId, slug, installUrl } }];
  }

  // 4. Wait until that worked or the signal aborts.
  const stop = (): void => {
    if (phase === 'open') end({ app: undefined });
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  say(`Open this in a browser on this machine, where you are signed in to ${github.origin}: ${base}`);
  say(`From another machine, have ssh lead there first: ssh -L ${bound}:127.0.0.1:${bound} …`);
  const result = await ended;
  signal.removeEventListener('abort', stop);
  if ('error' in result) throw result.error;
  return result.app;
}

/** Drafts a file that only its owner can read. It gets its name once complete, and never replaces another file. */
async function draftSettings(path: string) {
  const found = await lstat(path).catch(() => undefined); // opening reports the reason
  if (found !== undefined)
    throw new ChooError('conflict', `\`${path}\` already exists and may hold the key of an App`, {
      hint: 'move it away, or write the settings to another file',
    });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600).catch((cause: Error) => {
    throw new ChooError('environment', `cannot write settings to \`${path}\`: ${cause.message}`, { cause });
  });
  let keep = false;
  return {
    publish: async (text: string): Promise<void> => {
      const written = handle.writeFile(text).then(async () => handle.sync());
      await written.catch((cause: Error) => {
        throw new ChooError('environment', `cannot write settings to \`${path}\`: ${cause.message}`, {
          hint: 'delete the new App on GitHub, and start again; its key was given once',
          cause,
        });
      });
      await link(draft, path).catch((cause: Error) => {
        keep = true;
        throw new ChooError('conflict', `cannot rename the settings to \`${path}\`: ${cause.message}`, {
          hint: `the App is registered, and its settings are in \`${draft}\`; move them yourself`,
          cause,
        });
      });
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await handle.close();
      if (!keep) await rm(draft, { force: true });
    },
  };
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)] as const;
  return a.length === b.length && timingSafeEqual(a, b); // the length is no secret
}

function headersFor({ origin }: GitHubUrls): Record<string, string> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action ${origin}`,
    'cache-control': 'no-store',
    'referrer-policy': 'strict-origin', // GitHub need not know the address; without an origin it might take no form
    'x-content-type-options': 'nosniff',
    connection: 'close',
  };
}
