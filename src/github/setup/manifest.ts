import { Octokit } from '@octokit/rest';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { ChooError, messageOf } from '../../errors.ts';
import { spellOutHidden } from '../../text/hidden-text.ts';
import { statusOf } from '../api/client.ts';
import { CALLBACK_PATH } from '../api/oauth.ts';

/** Schema of `app.yml`, without what a server fills in itself. */
const manifestSchema = z.strictObject({
  name: z.string().min(1).max(34),
  description: z.string().min(1),
  url: z.url({ protocol: /^https$/ }).optional(),
  public: z.boolean(),
  default_permissions: z.record(z.string(), z.enum(['read', 'write'])),
  default_events: z.array(z.string()),
});

/** An App as `app.yml` describes it. */
export type AppManifest = z.output<typeof manifestSchema>;

/** Reads `app.yml`. Throws a ChooError (`environment`) that names the file. */
export async function readManifest(path: string): Promise<AppManifest> {
  try {
    return manifestSchema.parse(parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const reason =
      cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll('\n', ' ') : (cause as Error).message;
    throw new ChooError('environment', `\`${path}\` does not describe a GitHub App: ${reason}`, { cause });
  }
}

/**
 * The manifest for a server: GitHub delivers to `url`, sends the browser back to `redirectUrl` now, and people who sign in to the
 * dashboard to its callback.
 */
export function completeManifest(manifest: AppManifest, url: string, redirectUrl: string): string {
  return JSON.stringify({
    ...manifest,
    url: manifest.url ?? url,
    hook_attributes: { url: `${url}/api/github/webhooks`, active: true },
    redirect_url: redirectUrl,
    callback_urls: [`${url}${CALLBACK_PATH}`],
    request_oauth_on_install: false,
  });
}

/**
 * The public address of a server, without a slash at its end. Throws a ChooError (`usage`) for what GitHub must not deliver
 * to: deliveries hold source code, so https, except on this machine.
 */
export function parsePublicUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) throw badAddress(`is not a URL: \`${text}\``);
  if (url.username !== '' || url.password !== '') throw badAddress('must not hold a name or a password');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw badAddress(`must be https: \`${text}\``);
  if (/[?#]/.test(text)) throw badAddress(`must end with its path: \`${text}\``);
  return `${url.origin}${url.pathname}`.replace(/(?<!\/)\/+$/, '');
}

function badAddress(reason: string): ChooError {
  return new ChooError('usage', `the public address ${reason}`, {
    hint: 'give the address at which GitHub reaches this server, like `https://choo.example.com`',
  });
}

/** Whether a host, as in a URL and without its port, is this machine whatever a name server says. */
export function isLoopback(hostname: string): boolean {
  return hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]';
}

/** Where the App is to be registered. */
export interface RegistrationTarget {
  /** A GitHub Enterprise Server, with its port if it has one; undefined: github.com. */
  readonly gheHost?: string | undefined;
  /** Default: https. `http` is for one on this machine. */
  readonly gheProtocol?: string | undefined;
  /** Whose App it becomes; undefined: the person's at the browser. */
  readonly organization?: string | undefined;
}

/** A GitHub: its addresses for browsers and for programs, without a slash at their ends. */
export interface GitHubUrls {
  readonly origin: string;
  readonly apiUrl: string;
  /** Takes the form with the manifest. */
  readonly formUrl: string;
  /** The page of an App. */
  readonly appUrl: (slug: string) => string;
}

/** The addresses of a GitHub. Throws a ChooError (`usage`) for a host or an organization that cannot be one. */
export function githubUrls({ gheHost, gheProtocol = 'https', organization }: RegistrationTarget): GitHubUrls {
  const origin = gheHost === undefined ? 'https://github.com' : `${gheProtocol}://${gheHost}`;
  const url = URL.parse(origin);
  if (url === null || !/^https?:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?$/.test(origin))
    throw new ChooError('usage', `GitHub cannot be at \`${origin}\``, {
      hint: 'GHE_HOST is a host without a scheme or a path, GHE_PROTOCOL https or http',
    });
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw new ChooError('usage', `the key of the App would cross the network in the open: \`${origin}\``, {
      hint: 'use https; `http` is for a GitHub on this machine',
    });
  if (organization !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(organization))
    throw new ChooError('usage', `an organization cannot be called \`${organization}\``);
  const owner = organization === undefined ? '' : `/organizations/${organization}`;
  return {
    origin: url.origin,
    apiUrl: gheHost === undefined ? 'https://api.github.com' : `${url.origin}/api/v3`,
    formUrl: `${url.origin}${owner}/settings/apps/new`,
    appUrl: (slug) => `${url.origin}/${gheHost === undefined ? 'apps' : 'github-apps'}/${slug}`,
  };
}

/** Time limit of a request to GitHub. Milliseconds. */
const TIMEOUT_MS = 15_000;
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

// A forged answer must not inject settings: no value can end a line or a quote.
const appSchema = z.object({
  id: z.int().positive(),
  slug: z.string().regex(/^[A-Za-z0-9_-]+$/),
  html_url: z.string(),
  pem: z.string().regex(/^-----BEGIN (?:RSA )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END [A-Z ]+-----\n?$/),
  webhook_secret: z.string().regex(/^[A-Za-z0-9_-]{16,}$/),
  client_id: z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/),
  client_secret: z.string().regex(/^[A-Za-z0-9_-]{16,}$/),
});

/** A new App, with its keys. */
export type AppKeys = z.output<typeof appSchema>;

async function ask(input: string, init: RequestInit): Promise<Response> {
  return fetch(input, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
}

/** Exchanges a code for an App's keys. One request, without redirects: the answer is secret. */
export async function exchangeCode({ apiUrl }: GitHubUrls, code: string): Promise<AppKeys> {
  const octokit = new Octokit({ baseUrl: apiUrl, log: SILENT, request: { fetch: ask } });
  const { data } = await octokit.rest.apps.createFromManifest({ code });
  return appSchema.parse(data);
}

/** The page to install an App: always on its own GitHub, whatever the answer says. */
export function installUrlOf({ html_url, slug }: AppKeys, { origin, appUrl }: GitHubUrls): string {
  const page = URL.parse(html_url);
  return `${page?.origin === origin ? `${origin}${page.pathname}` : appUrl(slug)}/installations/new`;
}

/** Explains why a code was refused, without revealing the code. */
export function explainRefusal(error: unknown, code: string): string {
  if (error instanceof z.ZodError) {
    const wrong = error.issues.map(({ path }) => path.join('.')).join(', ');
    return `GitHub made the App, but its answer is not what it should be (${wrong}); delete the App there`;
  }
  const status = statusOf(error);
  const words = messageOf(error).replaceAll(code, '[code]');
  const shown = spellOutHidden(words).slice(0, 300);
  return status === undefined ? `GitHub does not answer: ${shown}` : `GitHub refused (${status}): ${shown}`;
}

/** An App's settings, for systemd's EnvironmentFile or a dotenv. */
export function settingsText(app: AppKeys, place: RegistrationTarget & { readonly url: string }): string {
  const { id, slug, pem, webhook_secret, client_id, client_secret } = app;
  const { gheHost, gheProtocol, url } = place;
  // Dotenv makes line ends of `\n` in quotes, systemd leaves them: the reader of settings takes both.
  const lines = [
    `# The GitHub App \`${slug}\`. Whoever reads this can act as it.`,
    `APP_ID=${id}`,
    `PRIVATE_KEY="${pem.trim().replaceAll('\n', '\\n')}"`,
    `WEBHOOK_SECRET=${webhook_secret}`,
    `GITHUB_CLIENT_ID=${client_id}`,
    `GITHUB_CLIENT_SECRET=${client_secret}`,
  ];
  // Below a path there is no dashboard: its cookies are for a host.
  if (new URL(url).pathname === '/') lines.push(`CHOO_URL=${url}`);
  if (gheHost !== undefined) lines.push(`GHE_HOST=${gheHost}`);
  if (gheHost !== undefined && gheProtocol === 'http') lines.push('GHE_PROTOCOL=http');
  return `${lines.join('\n')}\n`;
}

/** The form that takes a manifest to GitHub, in HTML. */
export function manifestForm({ formUrl }: GitHubUrls, state: string, manifest: string): string {
  return `<form method="post" action="${escapeHtml(`${formUrl}?state=${state}`)}">
<input type="hidden" name="manifest" value="${escapeHtml(manifest)}"><button>Register the App</button></form>`;
}

/** A page with one message. `form` is HTML, all else text. */
export function renderPage(text: string, { link = '', form = '' } = {}): string {
  const onward = link === '' ? '' : `<p><a href="${escapeHtml(link)}">${escapeHtml(link)}</a>`;
  return `<!doctype html><meta charset="utf-8"><title>choo</title><p>${escapeHtml(text)}${onward}${form}\n`;
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
