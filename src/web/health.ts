import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Whether the process can do its work, and if not, why. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** The web side of a server; for now it only says how the process is. */
export interface WebServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * Listens. `/healthz`: the process is there. `/readyz`: it can do its work, else 503 with the reason. Anything else: 404.
 * Rejects when the port cannot be had.
 */
export async function serveHealth(
  { host, port }: { readonly host: string; readonly port: number },
  readiness: () => Promise<Readiness>,
): Promise<WebServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, { error: 'only GET' });
    else if (request.url === '/healthz') answer(200, { alive: true });
    else if (request.url === '/readyz')
      readiness().then(
        (state) => answer(state.ready ? 200 : 503, state),
        () => answer(503, { ready: false, reason: 'it could not be found out' }),
      );
    else answer(404, { error: 'there is nothing here' });
  });
  await listen(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
