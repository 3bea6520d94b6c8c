import { createEmulator } from 'emulate';
import type { Json } from './world.ts';

/** The initial state of the emulator. It treats everything as public: the front checks access. */
export interface EmulatorSeed {
  readonly app: { readonly id: number; readonly slug: string; readonly privateKey: string };
  readonly permissions: Readonly<Record<string, string>>;
  readonly logins: readonly string[];
  readonly repositories: readonly { readonly owner: string; readonly name: string }[];
  readonly installations: readonly { readonly id: number; readonly account: string }[];
}

interface EmulatorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** `emulate` on its own port; only the front sends requests to it. */
export interface Emulator extends AsyncDisposable {
  /** Passes on a request with its credentials. */
  readonly forward: (request: {
    readonly method: string;
    /** Includes the query. */
    readonly path: string;
    readonly authorization: string | undefined;
    readonly body?: string;
  }) => Promise<EmulatorAnswer>;
  /** Sends a person's request. Throws when it fails. */
  readonly ask: (login: string, method: string, path: string, body?: Json) => Promise<Json>;
}

/** The token of a person, in the emulator and the front. */
export function tokenOfPerson(login: string): string {
  return `ghp_${Buffer.from(login).toString('base64url').padEnd(36, '0')}`;
}

/** Starts the emulator; the addresses in its answers are those of `api`. */
export async function startEmulator(seed: EmulatorSeed, api: string): Promise<Emulator> {
  const { app, permissions, logins, repositories, installations } = seed;
  const emulator = await createEmulator({
    service: 'github',
    port: 0,
    hostname: '127.0.0.1',
    seed: {
      tokens: Object.fromEntries(logins.map((login) => [tokenOfPerson(login), { login, scopes: ['repo'] }])),
      github: {
        users: logins.map((login) => ({ login })),
        repos: repositories.map(({ owner, name }) => ({ owner, name, auto_init: false })),
        apps: [
          {
            app_id: app.id,
            slug: app.slug,
            name: app.slug,
            private_key: app.privateKey,
            permissions,
            installations: installations.map(({ id, account }) => ({
              installation_id: id,
              account,
              repository_selection: 'all',
              permissions,
            })),
          },
        ],
      },
    },
  });

  const forward: Emulator['forward'] = async ({ method, path, authorization, body }) => {
    const response = await fetch(emulator.url + path, {
      method,
      headers: {
        accept: 'application/vnd.github+json',
        'content-type': 'application/json',
        ...(authorization !== undefined && { authorization }),
      },
      ...(body !== undefined && body !== '' && method !== 'GET' && method !== 'HEAD' && { body }),
      redirect: 'manual',
    });
    const headers = [...response.headers].filter(([name]) => RELAYED.has(name));
    return {
      status: response.status,
      headers: Object.fromEntries(
        headers.map(([name, value]) => [name, value.replaceAll(emulator.url, api)]),
      ),
      text: (await response.text()).replaceAll(emulator.url, api),
    };
  };
  return {
    forward,
    ask: async (login, method, path, body) => {
      const authorization = `Bearer ${tokenOfPerson(login)}`;
      const answer = await forward({
        method,
        path,
        authorization,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (answer.status >= 400) throw new Error(`the emulator refused ${method} ${path}: ${answer.text}`);
      return JSON.parse(answer.text) as Json;
    },
    [Symbol.asyncDispose]: async () => emulator.close(),
  };
}

const RELAYED = new Set(['content-type', 'link', 'location', 'etag']);
