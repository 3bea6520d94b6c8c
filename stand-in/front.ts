import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { createFaults, type Fault, type Faults } from './faults.ts';

/** A request as it came. */
export interface FrontRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface FrontAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** Who answers, and who writes down what came and what it was answered. */
export interface FrontHandlers {
  readonly serve: (request: FrontRequest) => Promise<FrontAnswer>;
  /** Faults included; what it returns is told the status, unless there was none. */
  readonly note: (request: FrontRequest) => (status: number) => void;
}

/** One origin on loopback. */
export interface Front extends AsyncDisposable {
  readonly origin: string;
  readonly faults: Faults;
  /** 503 from now on, or, refusing, no connections at all. */
  readonly down: (how?: { readonly refuse?: boolean }) => Promise<void>;
  readonly up: () => Promise<void>;
}

/**
 * The http server of the stand-in: looks like a GitHub Enterprise Server, does the faults, and has `serve` answer.
 *
 * Who answers what: git, by its own `http-backend` on bare repositories, everything that is in a repository (refs,
 * commits, files, comparisons, heads, what is mergeable, merges). The routes in `routes/`, from the world they keep:
 * issues, comments, reactions, labels, pull requests, checks, statuses, installations, users, and GraphQL's drafts,
 * because there the emulator knows no bots, raises the wrong events or is too lenient. `emulate`: whether an app's
 * key is right, installation tokens, ids and profiles of users and repositories, and every other route (milestones,
 * releases, hooks, organisations, search, meta, rate limits).
 */
export async function startFront({ serve, note }: FrontHandlers): Promise<Front> {
  const faults = createFaults();
  const closing = new AbortController();
  const underWay = new Set<Promise<void>>();
  let unavailable = false;

  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', headers } = request;
    const url = new URL(request.url ?? '/', 'http://localhost');
    const body = await readAll(request);
    const fault = unavailable
      ? undefined
      : faults.take(method, url.pathname.replace(/^\/api(\/v3)?(?=\/)/, ''));
    const asked = { method, path: url.pathname, query: url.searchParams, headers, body };
    const noted = note(asked);
    const answer = unavailable ? UNAVAILABLE : await perform(fault, () => serve(asked), closing.signal);
    if (answer === 'cut') return void response.destroy();
    noted(answer.status);
    return send(response, answer);
  };
  const server = createServer((request, response) => {
    // A client that goes away in the middle is its own business; anything else is a bug here, which it shall see.
    const answering = take(request, response)
      .catch((error: unknown) => {
        const body = error instanceof Error ? (error.stack ?? error.message) : 'failed';
        if (response.headersSent || closing.signal.aborted) response.destroy();
        else send(response, { status: 500, headers: {}, body });
      })
      .finally(() => underWay.delete(answering));
    underWay.add(answering);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return {
    origin: `http://127.0.0.1:${port}`,
    faults,
    down: async ({ refuse = false } = {}) => {
      unavailable = true;
      if (refuse) await close();
    },
    up: async () => {
      unavailable = false;
      if (server.listening) return;
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await close();
      await Promise.all(underWay);
    },
  };
}

const UNAVAILABLE: FrontAnswer = {
  status: 503,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: '{"message":"Service Unavailable"}',
};

async function perform(
  fault: Fault | undefined,
  answer: () => Promise<FrontAnswer>,
  signal: AbortSignal,
): Promise<FrontAnswer | 'cut'> {
  if (fault === 'cut') return 'cut';
  if (fault === undefined) return answer();
  if (fault === 'lost') {
    await answer();
    return 'cut';
  }
  if ('delayMs' in fault) {
    await setTimeout(fault.delayMs, undefined, { signal });
    return answer();
  }
  const { status, headers = {}, body = { message: 'Fault' } } = fault;
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

function send(response: ServerResponse, { status, headers, body }: FrontAnswer): void {
  response.writeHead(status, {
    ...headers,
    ...(status !== 204 && { 'content-length': Buffer.byteLength(body) }),
  });
  response.end(body);
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
