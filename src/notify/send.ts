import { createHmac } from 'node:crypto';
import { messageOf } from '../errors.ts';

/** An address that the operator gave. */
export interface Endpoint {
  /** Standard Webhooks, or Slack's incoming webhooks. */
  readonly channel: 'webhook' | 'slack';
  readonly url: string;
  /** `whsec_` and base64; of a webhook. */
  readonly secret?: string;
}

/** What became of one try. `gone`: nobody wants notices there any more. `retryAfterMs`: no sooner than that. */
export type Sent =
  | { readonly kind: 'taken' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number };

/** Time limit of a request. Milliseconds. */
const TIMEOUT_MS = 20_000;
/** An endpoint cannot postpone its notices for longer. Milliseconds. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;
/** The least pause of an endpoint that is overloaded. Milliseconds. */
const SLOW_MS = 60_000;

/** Sends a body once. The answer's status counts, and its text is not read. Never throws; the reason names no address. */
export async function send(
  { channel, url, secret }: Endpoint,
  { id, body }: { readonly id: string; readonly body: string },
  now: () => number = Date.now,
): Promise<Sent> {
  const seconds = Math.floor(now() / 1_000);
  const signed =
    channel === 'webhook' && secret !== undefined
      ? {
          'webhook-id': id,
          'webhook-timestamp': String(seconds),
          'webhook-signature': sign(secret, `${id}.${seconds}.${body}`),
        }
      : {};
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'user-agent': 'choo', ...signed },
      redirect: 'manual', // the address is the operator's, and no other one
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    const { status, headers } = response;
    if (status >= 200 && status < 300) return { kind: 'taken' };
    if (status === 410) return { kind: 'gone' };
    const isSlow = status === 429 || status === 502 || status === 504;
    const after = readRetryAfter(headers.get('retry-after'), now());
    const retryAfterMs = Math.min(Math.max(after, isSlow ? SLOW_MS : 0), MAX_RETRY_AFTER_MS);
    return { kind: 'failed', reason: `it answered ${status}`, retryAfterMs };
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
    const reason =
      error instanceof Error && error.name === 'TimeoutError' ? 'it did not answer in time' : undefined;
    // The text of an error may hold the address, which is a secret.
    return {
      kind: 'failed',
      reason: reason ?? code ?? messageOf(error).replaceAll(url, '…'),
      retryAfterMs: 0,
    };
  }
}

function sign(secret: string, text: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
}

/** Seconds or a date; 0: there is none. Milliseconds from now. */
function readRetryAfter(value: string | null, now: number): number {
  if (value === null) return 0;
  const ms = /^[0-9]{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? 0 : Math.max(ms, 0);
}
