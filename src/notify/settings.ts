import { z } from 'zod';
import { ChooError } from '../errors.ts';
import type { Endpoint } from './send.ts';

/** An address that secrets may be sent to: https, or this machine. */
const address = z
  .url({ protocol: /^https?$/, error: 'an https address' })
  .refine(
    (text) =>
      text.startsWith('https:') || ['localhost', '127.0.0.1', '[::1]'].includes(new URL(text).hostname),
    'an https address',
  );

/** Where a server tells what nobody is looking at. The operator's only: there is no key of `.choo.yml`. */
export const notifySettings = {
  CHOO_NOTIFY_URL: address
    .optional()
    .describe(
      'Where notices are sent as Standard Webhooks: runs that ended or need a person, budgets that are nearly used.',
    ),
  CHOO_NOTIFY_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/, '`whsec_` and 24 to 64 bytes in base64')
    .optional()
    .describe('The secret that signs them: `whsec_` and 24 to 64 bytes in base64. CHOO_NOTIFY_URL needs it.'),
  CHOO_NOTIFY_SLACK: address
    .optional()
    .describe("The address of an incoming webhook of Slack's, for the same notices as text."),
};

type NotifySettings = Readonly<Partial<Record<keyof typeof notifySettings, string | undefined>>>;

/** Throws a ChooError (`environment`) for an address without a secret: who takes a notice could not tell who sent it. */
export function requireNotifySecret({
  CHOO_NOTIFY_URL: url,
  CHOO_NOTIFY_SECRET: secret,
}: NotifySettings): void {
  if ((url === undefined) === (secret === undefined)) return;
  throw new ChooError('environment', 'CHOO_NOTIFY_URL and CHOO_NOTIFY_SECRET are only of use together', {
    hint: 'a secret is `whsec_` and the output of `openssl rand -base64 32`',
  });
}

/** The endpoints that are set. */
export function endpointsOf({
  CHOO_NOTIFY_URL: url,
  CHOO_NOTIFY_SECRET: secret,
  CHOO_NOTIFY_SLACK: slack,
}: NotifySettings): readonly Endpoint[] {
  return [
    ...(url === undefined || secret === undefined ? [] : [{ channel: 'webhook', url, secret } as const]),
    ...(slack === undefined ? [] : [{ channel: 'slack', url: slack } as const]),
  ];
}
