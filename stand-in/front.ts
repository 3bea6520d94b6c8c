import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { createFaults, type Fault, type Faults } from './faults.ts';

/** A request as received. */
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

/** Answers requests, and records requests and answers. */
export interface FrontHandlers {
  readonly serve: (request: FrontRequest) => Promise<FrontAnswer>;
  /** Records a request, also one with a fault. Call the result with the status of the answer, if there was one. */
  readonly note: (request: FrontRequest) => (status: number) => void;
}

/** An HTTP server on loopback. */
export interface Front extends AsyncDisposable {
  readonly origin: string;
  readonly faults: Faults;
  /** From now on answers 503 or, with `refuse`, accepts no connections. */
  readonly down: (how?: { readonly refuse?: boolean }) => Promise<void>;
  readonly up: () => Promise<void>;
}

/**
 * The HTTP server of the stand-in: looks like a GitHub Enterprise Server, injects the faults, and calls `serve` to answer.
 *
 * Three parts answer. git, with its `http-backend` and bare repositories: everything in a repository (refs, commits,
 * files, comparisons, heads, mergeability, merges). `routes/`, from the state in `World`: issues, comments, reactions,
 * labels, pull requests, checks, statuses, installations, users, and GraphQL's drafts; there the emulator has no bots,
 * raises wrong events or is too lenient. `emulate`: verification of app keys, installation tokens, ids and profiles of
 * users and repositories, and every other route (milestones, releases, hooks, organisations, search, meta, rate limits).
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
    // Ignores a client that closes its connection; any other error is a bug here, so the client gets it.
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
