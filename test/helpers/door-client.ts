import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';

/** How a request at the door went. Status 0: no answer in half a minute. */
export interface DoorAnswer {
  readonly status: number;
  readonly ms: number;
}

/** Sends one delivery as GitHub does, signed with `secret`. */
export async function deliver(
  port: number,
  {
    secret,
    body,
    event = 'issues',
    from = '127.0.0.1',
  }: { readonly secret: string; readonly body: string; readonly event?: string; readonly from?: string },
): Promise<DoorAnswer> {
  return ask(
    {
      port,
      method: 'POST',
      path: '/api/github/webhooks',
      localAddress: from,
      headers: {
        ...headersOf(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`, event),
        'content-length': Buffer.byteLength(body),
      },
    },
    body,
  );
}

/** Asks for a page of the server. */
export async function get(port: number, path: string): Promise<DoorAnswer> {
  return ask({ port, method: 'GET', path });
}

async function ask(options: object, body = ''): Promise<DoorAnswer> {
  const from = performance.now();
  const status = await new Promise<number>((resolve) => {
    const outgoing = request(
      { host: '127.0.0.1', agent: false, signal: AbortSignal.timeout(30_000), ...options },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', () => resolve(0));
      },
    );
    outgoing.on('error', () => resolve(0));
    outgoing.end(body);
  });
  return { status, ms: performance.now() - from };
}

function headersOf(signature: string, event: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-github-event': event,
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': signature,
  };
}

/** A signature of the right form that fits nothing. */
const WRONG_SIGNATURE = `sha256=${'0'.repeat(64)}`;

/** A connection that a stranger holds. */
export interface Stranger extends Disposable {
  readonly socket: Socket;
  /** What the server has said on it. */
  readonly said: () => string;
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>;
}

/** Connects and sends these bytes. */
export async function comeIn(
  port: number,
  { bytes, from = '127.0.0.1' }: { readonly bytes: string; readonly from?: string },
): Promise<Stranger> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  let said = '';
  socket.on('data', (chunk) => void (said += String(chunk)));
  socket.on('error', () => {}); // the server may cut it off
  const ended = new Promise<void>((resolve) => void socket.on('close', () => resolve()));
  await Promise.race([once(socket, 'connect'), ended]);
  socket.write(bytes);
  return { socket, said: () => said, ended, [Symbol.dispose]: () => socket.destroy() };
}

/** The head of a delivery whose signature fits nothing. */
export function strangersHead(length: number | 'chunked', signature = WRONG_SIGNATURE): string {
  const headers = {
    host: 'choo',
    ...headersOf(signature, 'push'),
    ...(length === 'chunked' ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(length) }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return ['POST /api/github/webhooks HTTP/1.1', ...lines, '', ''].join('\r\n');
}

/** What a process holds in memory, and the most that it held. MiB. */
export function memoryOf(pid: number): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024;
  return { now: read('VmRSS'), most: read('VmHWM') };
}
