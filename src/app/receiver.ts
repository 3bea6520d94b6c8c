import type { Logger } from 'pino';
import { Probot } from 'probot';
import type { Settings } from '../config/settings.ts';
import { ChooError, messageOf } from '../errors.ts';
import { isHandled } from '../github/api/delivery.ts';
import { CALLBACK_PATH, type OAuthApp } from '../github/api/oauth.ts';
import type { Database } from '../store/database/database.ts';
import { DeliveryQueue } from '../store/github/deliveries.ts';
import type { DeliveryReceiver } from '../web/webhooks.ts';
import { createApp } from './app.ts';

/** The App's identity, and the GitHub that it belongs to. */
export interface AppSettings {
  readonly appId: number;
  readonly privateKey: string;
  readonly webhookSecret: string;
  readonly apiUrl: string;
  /** Scheme and host, as git and browsers reach it. */
  readonly origin: string;
}

/**
 * Reads the App's settings. Undefined when none is set. Throws a ChooError (`environment`) when only some are: an App without
 * a secret would accept deliveries from anyone.
 */
export function readAppSettings(settings: Settings): AppSettings | undefined {
  const { APP_ID, PRIVATE_KEY, WEBHOOK_SECRET, GHE_HOST, GHE_PROTOCOL } = settings;
  const given = Object.entries({ APP_ID, PRIVATE_KEY, WEBHOOK_SECRET });
  const missing = given.filter(([, value]) => value === undefined).map(([name]) => name);
  if (missing.length === given.length) return undefined;
  if (APP_ID === undefined || PRIVATE_KEY === undefined || WEBHOOK_SECRET === undefined)
    throw new ChooError('environment', `the GitHub App lacks ${missing.join(' and ')}`, {
      hint: '`choo serve --setup` makes an App and writes all of its settings',
    });
  const origin = GHE_HOST === undefined ? 'https://github.com' : `${GHE_PROTOCOL}://${GHE_HOST}`;
  return {
    appId: APP_ID,
    privateKey: PRIVATE_KEY,
    webhookSecret: WEBHOOK_SECRET,
    apiUrl: GHE_HOST === undefined ? 'https://api.github.com' : `${origin}/api/v3`,
    origin,
  };
}

/** How people sign in to the dashboard with the App. */
export interface SignInSettings extends OAuthApp {
  /** Where browsers reach the server, without a slash at its end. */
  readonly publicUrl: string;
}

/** Reads how people sign in; otherwise the names of the settings that this lacks. */
export function readSignIn(
  { CHOO_URL, GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET }: Settings,
  { origin, apiUrl }: Pick<AppSettings, 'origin' | 'apiUrl'>,
): SignInSettings | { readonly missing: readonly string[] } {
  if (CHOO_URL === undefined || GITHUB_CLIENT_ID === undefined || GITHUB_CLIENT_SECRET === undefined) {
    const given = Object.entries({ CHOO_URL, GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET });
    return { missing: given.filter(([, value]) => value === undefined).map(([name]) => name) };
  }
  return {
    publicUrl: CHOO_URL,
    clientId: GITHUB_CLIENT_ID,
    clientSecret: GITHUB_CLIENT_SECRET,
    callbackUrl: `${CHOO_URL}${CALLBACK_PATH}`,
    origin,
    apiUrl,
  };
}

/**
 * Stores deliveries and answers; makes no requests itself. Probot verifies each signature a second time, so that a mistake in
 * the streaming verification lets nothing in.
 */
export async function openReceiver(
  app: AppSettings,
  database: Database,
  log: Logger,
): Promise<DeliveryReceiver> {
  const deliveries = new DeliveryQueue(database);
  const probot = new Probot({
    appId: app.appId,
    privateKey: app.privateKey,
    secret: app.webhookSecret,
    baseUrl: app.apiUrl,
    log: log.child({}, { level: 'silent' }),
  });
  await probot.load(createApp({ receive: async (delivery) => deliveries.receive(delivery) }));
  const receive: DeliveryReceiver['receive'] = async ({ id, event, signature, body }) => {
    if (!/^\s*\{/.test(body)) return 400; // a delivery is an object, even when its signature is valid
    try {
      await probot.webhooks.verifyAndReceive({ id, name: event, signature, payload: body });
      if (isHandled(event)) log.info({ delivery: id, event }, 'delivery received');
      return 200;
    } catch (error) {
      const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
      const isRefusal = first instanceof Error && 'status' in first && first.status === 400;
      if (isRefusal || first instanceof SyntaxError) return 400;
      log.error({ reason: messageOf(first) }, 'failed to store a delivery');
      return 503;
    }
  };
  return { secret: app.webhookSecret, receive };
}
