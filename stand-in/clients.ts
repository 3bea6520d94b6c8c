import { Octokit } from '@octokit/rest';
import { createHmac, createSign } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GitHub } from './stand-in.ts';

const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A client of the REST API with any credentials. */
export function clientOf({ origin }: Pick<GitHub, 'origin'>, auth: string): Octokit {
  return new Octokit({ auth, baseUrl: `${origin}/api/v3`, log: QUIET });
}

/** An app's JSON web token, signed with its key. */
export function appToken({ APP_ID, PRIVATE_KEY }: GitHub['environment']): string {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ iat: now - 60, exp: now + 540, iss: APP_ID })}`;
  const signature = createSign('RSA-SHA256').update(unsigned).sign(PRIVATE_KEY, 'base64url');
  return `${unsigned}.${signature}`;
}

/** Gets a new installation token, by default of the repository's installation, as narrow as the options say. */
export async function installationToken(
  github: GitHub,
  installation: number,
  narrow: {
    readonly repositories?: string[];
    readonly repository_ids?: number[];
    readonly permissions?: Record<string, 'read' | 'write'>;
  } = {},
): Promise<string> {
  const app = clientOf(github, appToken(github.environment));
  const { data } = await app.rest.apps.createInstallationAccessToken({
    installation_id: installation,
    ...narrow,
  });
  return data.token;
}

/** A webhook as an app receives it. */
interface Received {
  readonly event: string;
  readonly action: string | undefined;
  readonly guid: string;
  /** Whether the signature is that of the raw body. */
  readonly signed: boolean;
  readonly body: Readonly<Record<string, unknown>>;
}

/** How long a test waits for a webhook. Milliseconds. */
const WAIT_MS = 10_000;

/** A server that receives webhooks and only records them. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  /** The status of the answers from now on. */
  status: number;
  /** The next webhook of a kind such as `push` or `issues.opened`, received or still to come. Each is returned once. */
  readonly next: (kind: string) => Promise<Received>;
}

export async function startReceiver(secret: string): Promise<Receiver> {
  const received: Received[] = [];
  const given = new Set<Received>();
  const arrivals = new EventEmitter();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const body = JSON.parse(raw.toString()) as Record<string, unknown>;
      const { action } = body;
      received.push({
        event: String(request.headers['x-github-event']),
        action: typeof action === 'string' ? action : undefined,
        guid: String(request.headers['x-github-delivery']),
        signed:
          request.headers['x-hub-signature-256'] ===
          `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`,
        body,
      });
      arrivals.emit('arrival');
      response.writeHead(receiver.status).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    status: 202,
    next: async (kind) => {
      const [event, action] = kind.split('.');
      const find = () =>
        received.find(
          (each) => !given.has(each) && each.event === event && (action ?? each.action) === each.action,
        );
      const deadline = AbortSignal.timeout(WAIT_MS);
      for (let found = find(); ; found = find()) {
        if (found !== undefined) {
          given.add(found);
          return found;
        }
        await once(arrivals, 'arrival', { signal: deadline }).catch(() => {
          const kinds = received.map((each) => `${each.event}.${each.action}`);
          throw new Error(`no ${kind} was received, only ${kinds.join(', ')}`);
        });
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}
