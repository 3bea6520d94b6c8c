import type { IncomingMessage } from 'node:http';

/** GitHub sends nothing larger. Bytes. */
const MOST_BYTES = 25 * 1024 * 1024;
/** Who takes longer to send it is nobody that choo waits for. Milliseconds. */
const SLOWEST_MS = 10_000;

/** A delivery as it came, before anything about it is believed. */
interface RawDelivery {
  readonly id: string;
  readonly event: string;
  readonly signature: string;
  readonly body: string;
}

/** Takes a delivery in. Resolves with the status to answer with, once it is safe or refused. */
export type ReceiveDelivery = (delivery: RawDelivery) => Promise<number>;

/** Reads a delivery from a request and hands it on. Returns the status to answer with. */
export async function acceptDelivery(request: IncomingMessage, receive: ReceiveDelivery): Promise<number> {
  const { method, headers } = request;
  if (method !== 'POST') return 405;
  if (!/^application\/json\b/.test(headers['content-type'] ?? '')) return 415;
  const [id, event, signature] = ['x-github-delivery', 'x-github-event', 'x-hub-signature-256'].map((name) =>
    String(headers[name] ?? ''),
  );
  if (id === undefined || event === undefined || signature === undefined) return 400;
  if (!/^[A-Za-z0-9-]{1,100}$/.test(id) || !/^[a-z0-9_]{1,100}$/.test(event) || signature === '') return 400;
  if (Number(headers['content-length'] ?? 0) > MOST_BYTES) return 413;
  const body = await readBody(request);
  return typeof body === 'number' ? body : receive({ id, event, signature, body });
}

/** The whole of it, or the status to answer with where there is too much of it. */
async function readBody(request: IncomingMessage): Promise<string | number> {
  const tooSlow = setTimeout(() => request.destroy(), SLOWEST_MS);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += (chunk as Buffer).length;
      if (size > MOST_BYTES) return 413;
      chunks.push(chunk as Buffer);
    }
  } catch {
    return 400; // it was cut off, and nobody reads the answer
  } finally {
    clearTimeout(tooSlow);
  }
  return Buffer.concat(chunks).toString();
}
