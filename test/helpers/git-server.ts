import { execa } from 'execa';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** One request as the server got it. */
interface ServedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly authorization: string | undefined;
}

/** An answer that is ready and not sent. */
interface HeldAnswer {
  /** Settles when there is one. */
  readonly ready: Promise<void>;
  readonly release: () => void;
}

/** A host of git repositories over http, with what networks and hosts do to their guests. */
export interface GitServer extends AsyncDisposable {
  /** Scheme, host and port. */
  readonly origin: string;
  /** What a client must send, and the settings of git that make it. */
  readonly authorization: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly requests: readonly ServedRequest[];
  /** How often a client began anew: every command begins by asking for the refs. */
  readonly begun: () => number;
  /** The next requests are answered by this status alone. */
  readonly fail: (times: number, status?: number, headers?: Readonly<Record<string, string>>) => void;
  /** The connection ends in the middle of the n-th answer from now; 1 is the next. */
  readonly cut: (nth: number) => void;
  /** The next push is applied and its answer never sent. */
  readonly losePush: () => void;
  /** The next answer to a request whose path has this in it is kept back. */
  readonly hold: (path: string) => HeldAnswer;
}

/** What is to be done to an answer. `matches` is asked once for each request, in their order, until it says yes. */
interface Fault {
  readonly matches: (request: ServedRequest) => boolean;
  readonly instead?: (response: ServerResponse) => void;
  readonly send?: (response: ServerResponse, answer: Answer) => Promise<void> | void;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Serves the bare repositories below a directory on loopback, by git's own `http-backend`, to who sends the header. */
export async function startGitServer(root: string): Promise<GitServer> {
  const { stdout: programs } = await execa('git', ['--exec-path']);
  const backend = join(programs, 'git-http-backend');
  const authorization = `Basic ${Buffer.from('choo:a-secret-nobody-sees').toString('base64')}`;
  const requests: ServedRequest[] = [];
  const faults: Fault[] = [];

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request;
    const served = { method, path: url, authorization: headers.authorization };
    requests.push(served);
    const index = faults.findIndex((each) => each.matches(served));
    const [fault] = index === -1 ? [] : faults.splice(index, 1);
    const body = await readAll(request);
    if (fault?.instead !== undefined) return fault.instead(response);
    const answer: Answer =
      headers.authorization === authorization
        ? await askBackend(backend, root, request, body)
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="git"' }, body: Buffer.of() };
    await (fault?.send ?? send)(response, answer);
  };
  const server = createServer((request, response) => {
    // A client that goes away in the middle is what these tests are about.
    void serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    origin,
    authorization,
    settings: { [`http.${origin}/.extraHeader`]: `Authorization: ${authorization}` },
    requests,
    begun: () => requests.filter(({ path }) => path.includes('/info/refs')).length,
    fail: (times, status = 503, headers = {}) => {
      for (let count = 0; count < times; count += 1)
        faults.push({
          matches: () => true,
          instead: (response) => send(response, { status, headers, body: Buffer.of() }),
        });
    },
    cut: (nth) => {
      let left = nth;
      faults.push({ matches: () => (left -= 1) === 0, send: sendHalf });
    },
    losePush: () => {
      faults.push({
        matches: ({ method, path }) => method === 'POST' && path.endsWith('/git-receive-pack'),
        send: (response) => void response.destroy(),
      });
    },
    hold: (part) => {
      const [ready, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      faults.push({
        matches: ({ path }) => path.includes(part),
        send: async (response, answer) => {
          ready.resolve();
          await released.promise;
          send(response, answer);
        },
      });
      return { ready: ready.promise, release: released.resolve };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Runs the program that git has for a web server, as CGI wants it. */
async function askBackend(
  backend: string,
  root: string,
  { method = '', url = '', headers }: IncomingMessage,
  input: Buffer,
): Promise<Answer> {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const { stdout } = await execa(backend, {
    input,
    encoding: 'buffer',
    extendEnv: false,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'http.receivepack',
      GIT_CONFIG_VALUE_0: 'true',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      REMOTE_USER: 'choo',
      REQUEST_METHOD: method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: searchParams.toString(),
      CONTENT_TYPE: headers['content-type'] ?? '',
      CONTENT_LENGTH: String(input.length),
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
    },
  });
  const bytes = Buffer.from(stdout);
  const end = bytes.indexOf('\r\n\r\n');
  const lines = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const fields = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const { status = '200', ...rest } = fields;
  return { status: Number.parseInt(status, 10), headers: rest, body: bytes.subarray(end + 4) };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(body);
}

function sendHalf(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
