import { tokenOfPerson, type Emulator } from './emulator.ts';
import { Refusal } from './refusal.ts';
import { grants } from './permissions.ts';

import { fullName, nodeId, type Actor, type Json, type Repository, type User, type World } from './world.ts';

type InstallationActor = Extract<Actor, { kind: 'installation' }>;

/** Authentication and installation tokens. */
export interface Credentials {
  /** Finds the actor of credentials. Throws a Refusal for unknown ones. */
  readonly actorOf: (authorization: string | undefined) => Promise<Actor>;
  /** Makes a token for an installation, as narrow as the body says. */
  readonly mint: (authorization: string, installation: number, body: Json) => Promise<Json>;
  /** Has a token be a person's. */
  readonly addPerson: (token: string, user: User) => void;
  /** Revokes every token of an installation. */
  readonly expire: () => void;
}

/** The emulator verifies app keys and makes tokens; this keeps the actor of each token. */
export function createCredentials(world: World, emulator: Emulator): Credentials {
  const tokens = new Map<string, { readonly actor: InstallationActor; readonly expiresAt: number }>();
  const people = new Map<string, User>(world.users.map((user) => [tokenOfPerson(user.login), user]));

  const actorOf = async (authorization: string | undefined): Promise<Actor> => {
    const token = tokenIn(authorization);
    if (token === undefined) throw new Refusal(401, 'Requires authentication');
    if (token.startsWith('eyJ')) {
      const verified = await emulator.forward({
        method: 'GET',
        path: '/app',
        authorization: `Bearer ${token}`,
      });
      if (verified.status !== 200) throw new Refusal(401, 'A JSON web token could not be decoded');
      demandShortLife(token);
      return { kind: 'app', user: world.app.bot };
    }
    const person = people.get(token);
    if (person !== undefined) return { kind: 'user', user: person };
    const known = tokens.get(token);
    if (known === undefined || known.expiresAt <= Date.now() || known.actor.installation.deleted)
      throw new Refusal(401, 'Bad credentials');
    if (known.actor.installation.suspended) throw new Refusal(403, 'This installation has been suspended');
    return known.actor;
  };

  const mint = async (authorization: string, id: number, body: Json): Promise<Json> => {
    const installation = world.installations.find((each) => each.id === id && !each.deleted);
    if (installation === undefined) throw new Refusal(404, 'Not Found');
    if (installation.suspended) throw new Refusal(403, 'This installation has been suspended');
    const permissions = (body['permissions'] ?? installation.permissions) as Record<string, 'read' | 'write'>;
    if (!Object.entries(permissions).every(([name, level]) => grants(installation.permissions, name, level)))
      throw new Refusal(422, 'The permissions requested are not granted to this installation.');
    const chosen = narrowed(
      world.repositories.filter((each) => each.installation === installation),
      body,
    );
    const answer = await emulator.forward({
      method: 'POST',
      path: `/app/installations/${id}/access_tokens`,
      authorization,
      body: JSON.stringify({ permissions }),
    });
    const made = JSON.parse(answer.text) as Json;
    if (answer.status !== 201) throw new Refusal(answer.status, String(made['message']));
    const repositories = chosen === undefined ? undefined : new Set(chosen.map((each) => each.id));
    tokens.set(String(made['token']), {
      actor: { kind: 'installation', user: world.app.bot, installation, repositories, permissions },
      expiresAt: Date.parse(String(made['expires_at'])),
    });
    return {
      token: made['token'],
      expires_at: made['expires_at'],
      permissions,
      repository_selection: 'selected',
      ...(chosen !== undefined && { repositories: chosen.map((each) => brief(each)) }),
    };
  };

  return {
    actorOf,
    mint,
    addPerson: (token, user) => void people.set(token, user),
    expire: () => tokens.clear(),
  };
}

/** Reads the token of a header: `Bearer` and `token` for the API, `Basic` from git. */
export function tokenIn(authorization: string | undefined): string | undefined {
  const [scheme = '', value = ''] = (authorization ?? '').split(/ +/);
  if (value === '') return undefined;
  if (scheme.toLowerCase() !== 'basic') return value;
  const [user = '', ...password] = Buffer.from(value, 'base64').toString().split(':');
  return password.join(':') || user;
}

/** The kind of credentials, for the log. */
export function kindOf(authorization: string | undefined): 'app' | 'installation' | 'user' | 'none' {
  const token = tokenIn(authorization);
  if (token === undefined) return 'none';
  if (token.startsWith('eyJ')) return 'app';
  return /^gh[pu]_/.test(token) ? 'user' : 'installation';
}

function demandShortLife(token: string): void {
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    exp?: number;
  };
  if (exp === undefined || exp * 1000 > Date.now() + 11 * 60_000)
    throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
}

function narrowed(accessible: readonly Repository[], body: Json): Repository[] | undefined {
  const names = body['repositories'] as readonly string[] | undefined;
  const ids = body['repository_ids'] as readonly number[] | undefined;
  if (names === undefined && ids === undefined) return undefined;
  const chosen = [
    ...(names ?? []).map((name) => accessible.find((each) => each.name.toLowerCase() === name.toLowerCase())),
    ...(ids ?? []).map((id) => accessible.find((each) => each.id === id)),
  ];
  return chosen.map((each) => {
    if (each !== undefined) return each;
    throw new Refusal(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    );
  });
}

function brief(repository: Repository): Json {
  const { id, name, isPrivate } = repository;
  return { id, node_id: nodeId('R', id), name, full_name: fullName(repository), private: isPrivate };
}
