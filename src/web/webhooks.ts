import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type BodyReservation, BodyMemory, LARGE_BYTES, MAX_BODY_BYTES } from './body-memory.ts';
import type { KnownSenders } from './known-senders.ts';

/** Time limit for a body to arrive, including waiting for memory; GitHub gives up then. Milliseconds. */
const BODY_TIMEOUT_MS = 10_000;

/** A delivery with a valid signature. */
interface SignedDelivery {
  readonly id: string;
  readonly event: string;
  readonly signature: string;
  readonly body: string;
}

/** Takes deliveries. */
export interface DeliveryReceiver {
  /** The secret that signs deliveries. */
  readonly secret: string;
  /** Resolves with the response status once a delivery is stored or refused. */
  readonly receive: (delivery: SignedDelivery) => Promise<number>;
}

/**
 * The webhook receiver: reads a delivery from a request and returns the response status. Requests without a signature are
 * refused before their body is read; a body with an invalid signature is freed as soon as its last byte has arrived.
 */
export function openWebhooks(
  { secret, receive }: DeliveryReceiver,
  known: KnownSenders,
): (request: IncomingMessage) => Promise<number> {
  const memory = new BodyMemory();
  return async (request) => {
    const head = readHead(request);
    if (typeof head === 'number') return head;
    const address = request.socket.remoteAddress;
    const stopped = new AbortController();
    using reservation = memory.reserve({ isKnown: known.has(address), onEvicted: () => stopped.abort() });
    const body = await readSigned(request, {
      secret,
      signature: head.signature,
      reservation,
      stopped: stopped.signal,
    });
    if (typeof body === 'number') return body;
    reservation.markValid();
    known.add(address);
    return receive({ ...head, body: body.toString() });
  };
}

/** Reads a delivery's headers; returns the status when it must be refused. */
function readHead({ method, headers }: IncomingMessage): Omit<SignedDelivery, 'body'> | number {
  if (method !== 'POST') return 405;
  if (!/^application\/json\b/.test(headers['content-type'] ?? '')) return 415;
  const [id = '', event = '', signature = ''] = [
    'x-github-delivery',
    'x-github-event',
    'x-hub-signature-256',
  ].map((name) => String(headers[name] ?? ''));
  if (!/^[A-Za-z0-9-]{1,100}$/.test(id) || !/^[a-z0-9_]{1,100}$/.test(event)) return 400;
  if (!/^sha256=[0-9a-f]{64}$/.test(signature)) return 400;
  if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) return 413;
  return { id, event, signature };
}

/** Reads the body and returns it if its signature is valid, otherwise the status. Computes the signature as data arrives. */
async function readSigned(
  request: IncomingMessage,
  {
    secret,
    signature,
    reservation,
    stopped,
  }: {
    readonly secret: string;
    readonly signature: string;
    readonly reservation: BodyReservation;
    readonly stopped: AbortSignal;
  },
): Promise<Buffer | number> {
  const refused = Promise.withResolvers<number>();
  const complete = Promise.withResolvers<undefined>();
  const hmac = createHmac('sha256', secret);
  const chunks: Buffer[] = [];
  let size = 0;
  let isLarge = false;
  const waitForSlot = async (): Promise<void> => {
    isLarge = true;
    request.pause();
    if (await reservation.waitForLargeSlot()) request.resume();
    else refused.resolve(503);
  };
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return refused.resolve(413);
    if (size > LARGE_BYTES && !isLarge) void waitForSlot();
    hmac.update(chunk);
    chunks.push(chunk);
    reservation.add(chunk.length);
  };
  const tooSlow = setTimeout(() => refused.resolve(request.isPaused() ? 503 : 408), BODY_TIMEOUT_MS);
  stopped.addEventListener('abort', () => refused.resolve(503));
  request.on('error', () => {}); // the client has left: `close` follows
  request.on('close', () => refused.resolve(400));
  request.on('end', () => complete.resolve(undefined));
  if (Number(request.headers['content-length'] ?? 0) > LARGE_BYTES) void waitForSlot();
  request.on('data', onData);
  const status = await Promise.race([complete.promise, refused.promise]);
  clearTimeout(tooSlow);
  request.off('data', onData);
  const whole = status === undefined && isValid(hmac.digest(), signature) ? Buffer.concat(chunks) : undefined;
  chunks.length = 0; // the request keeps a reference to them until the response
  return whole ?? status ?? 400;
}

function isValid(digest: Buffer, signature: string): boolean {
  return timingSafeEqual(digest, Buffer.from(signature.slice('sha256='.length), 'hex'));
}
