import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { limitConnections } from './connections.ts';
import { KnownSenders } from './known-senders.ts';
import { mayReadMetrics, METRICS_TYPE } from './metrics.ts';
import { type DeliveryReceiver, openWebhooks } from './webhooks.ts';

/** Whether the process can do its work; otherwise the reason. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** The web side of a server. */
export interface WebServer extends AsyncDisposable {
  readonly port: number;
}

export interface WebServices {
  readonly readiness: () => Promise<Readiness>;
  /** Takes deliveries; undefined without a GitHub App. */
  readonly receiver: DeliveryReceiver | undefined;
  /** Writes metrics in Prometheus' format; undefined: this process has none. */
  readonly metrics?: (() => Promise<string>) | undefined;
  /** Who has it may read them; undefined: only this machine. */
  readonly metricsToken?: string | undefined;
  /** The pages for people. */
  readonly pages?: readonly Pages[];
}

/** Answers the requests that it owns. */
export interface Pages {
  readonly owns: (request: IncomingMessage) => boolean;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
}

/** The path for deliveries. */
const WEBHOOK_PATH = '/api/github/webhooks';

/** Time limits for a request's headers and for the whole request, and their check interval. Milliseconds. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 1_000 };
/** The `Retry-After` header of a 503. Seconds. */
const RETRY_AFTER_SECONDS = '5';

/**
 * Starts the web server. `/healthz`: the process is alive. `/readyz`: it can do its work, otherwise 503 with the reason.
 * `/metrics`: figures, for who may read them. {@link WEBHOOK_PATH}: deliveries. What `pages` own is theirs. Anything else: 404. Rejects when it cannot listen on the port.
 */
export async function serveWeb(
  { host, port }: { readonly host: string; readonly port: number },
  { readiness, receiver, pages = [], metrics, metricsToken }: WebServices,
): Promise<WebServer> {
  const known = new KnownSenders();
  const acceptDelivery = receiver && openWebhooks(receiver, known);
  const route = async (request: IncomingMessage): Promise<Answer> => {
    const path = request.url?.split('?')[0] ?? '';
    if (path === WEBHOOK_PATH && acceptDelivery !== undefined) {
      const status = await acceptDelivery(request);
      return { status, body: { received: status < 300 } };
    }
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return { status: 405, body: { error: 'method not allowed' } };
    if (path === '/metrics' && metrics !== undefined) {
      if (!mayReadMetrics(request, metricsToken)) return { status: 403, body: { error: 'forbidden' } };
      return { status: 200, body: await metrics() };
    }
    if (path === '/healthz') return { status: 200, body: { alive: true } };
    if (path !== '/readyz') return { status: 404, body: { error: 'not found' } };
    const state = await readiness().catch(() => ({ ready: false, reason: 'readiness check failed' }));
    return { status: state.ready ? 200 : 503, body: state };
  };
  const server = createServer(TIMEOUTS, (request, response) => {
    const owner = pages.find((each) => each.owns(request));
    if (owner !== undefined) return owner.handle(request, response);
    route(request).then(
      (answer) => send(request, response, answer),
      () => send(request, response, { status: 500, body: { error: 'internal error' } }),
    );
  });
  limitConnections(server, known);
  await listen(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections(); // requests in progress get a response
      setTimeout(() => server.closeAllConnections(), 1_000).unref();
      await closed;
    },
  };
}

interface Answer {
  readonly status: number;
  /** JSON; a string: the text of metrics. */
  readonly body: object | string;
}

function send(request: IncomingMessage, response: ServerResponse, { status, body }: Answer): void {
  // The unread rest of a body must not be parsed as the next request.
  const close = request.complete ? {} : { connection: 'close' };
  const later = status === 503 ? { 'retry-after': RETRY_AFTER_SECONDS } : {};
  const type = typeof body === 'string' ? METRICS_TYPE : 'application/json';
  const headers = { 'content-type': type, 'cache-control': 'no-store', ...close, ...later };
  response.writeHead(status, headers);
  response.end(typeof body === 'string' ? body : `${JSON.stringify(body)}\n`);
}

/** Connections that may wait to be accepted: GitHub opens many at once, and a refused client retries only a second later. */
const BACKLOG = 4_096;

async function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
