import { grants } from './permissions.ts';
import { invalid, notFound, Refusal } from './refusal.ts';
import {
  levelOf,
  mayWrite,
  repositoryNamed,
  type Actor,
  type Issue,
  type Json,
  type Repository,
  type User,
  type World,
} from './world.ts';

/** A request of the REST API, with its actor. */
export interface Call {
  readonly world: World;
  readonly actor: Actor;
  readonly method: string;
  /** The path below `/api/v3`, without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Json;
  readonly accept: string;
  /** Done by a person on GitHub's pages, which sometimes does more than the same request of the API. */
  readonly onPages?: boolean;
  readonly params: Readonly<Record<string, string>>;
}

/** A call about a repository that the actor may see. */
export type RepositoryCall = Call & { readonly repository: Repository };

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly handle: (call: Call) => Promise<Reply> | Reply;
}

/** The permissions that a route requires. */
export interface Needs {
  /** The permission of a token: `issues` or, when either is enough, `issues|pull_requests`. */
  readonly permission: string;
  /** By default it follows from the method. */
  readonly level?: 'read' | 'write';
  /** By default the same as `level`. */
  readonly people?: 'read' | 'write';
}

/** `GET /users/:login`; a parameter with a star, such as `:path*`, may contain slashes. */
export function route(spec: string, handle: Route['handle']): Route {
  const [method = '', path = ''] = spec.split(' ');
  const source = path.replace(/:(\w+)(\*?)/g, (_, name: string, star: string) =>
    star === '' ? `(?<${name}>[^/]+)` : `(?<${name}>.+)`,
  );
  return { method, pattern: new RegExp(`^${source}$`), handle };
}

/** A route below `/repos/:owner/:repo`. */
export function repositoryRoute(
  spec: string,
  needs: Needs,
  handle: (call: RepositoryCall) => Promise<Reply> | Reply,
): Route {
  const [method = '', path = ''] = spec.split(' ');
  const level = needs.level ?? (method === 'GET' ? 'read' : 'write');
  return route(`${method} /repos/:owner/:repo${path}`, (call) => {
    const repository = repositoryNamed(call.world, `${call.params['owner']}/${call.params['repo']}`);
    if (repository === undefined) throw notFound();
    demand(call.actor, repository, { ...needs, level });
    return handle({ ...call, repository });
  });
}

/** Whether the actor may see the repository. */
export function maySee(actor: Actor, repository: Repository): boolean {
  if (actor.kind === 'app') return false;
  if (actor.kind === 'user') return !repository.isPrivate || levelOf(repository, actor.user) !== 'none';
  return repository.installation === actor.installation && (actor.repositories?.has(repository.id) ?? true);
}

function demand(actor: Actor, repository: Repository, needs: Needs & { level: 'read' | 'write' }): void {
  if (!maySee(actor, repository)) throw notFound();
  if (actor.kind === 'installation' && !grants(actor.permissions, needs.permission, needs.level))
    throw new Refusal(403, 'Resource not accessible by integration', {}, acceptedPermissions(needs));
  const writes = (needs.people ?? needs.level) === 'write';
  if (actor.kind === 'user' && writes && !mayWrite(repository, actor.user))
    throw new Refusal(403, 'Must have admin rights to Repository.');
}

/** The header that names the permissions of a request; a semicolon stands between those of which one is enough. */
function acceptedPermissions({ permission, level = 'write' }: Needs): Readonly<Record<string, string>> {
  const names = permission.split('|').map((name) => `${name}=${level}`);
  return { 'x-accepted-github-permissions': names.join('; ') };
}

/** Throws a Refusal unless the actor is the author, may write to the repository, or is the app. */
export function demandRight({ actor, repository }: RepositoryCall, author: User): void {
  if (actor.kind === 'user' && actor.user !== author && !mayWrite(repository, actor.user))
    throw new Refusal(403, 'Must have admin rights to Repository.');
}

/** The first route that matches the call, or undefined. */
export async function answer(
  routes: readonly Route[],
  call: Omit<Call, 'params'>,
): Promise<Reply | undefined> {
  for (const { method, pattern, handle } of routes) {
    const match = method === call.method ? pattern.exec(call.path) : null;
    if (match === null) continue;
    const params = Object.fromEntries(
      Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
    try {
      return await handle({ ...call, params });
    } catch (error) {
      if (error instanceof Refusal) return { status: error.status, headers: error.headers, body: error.body };
      throw error;
    }
  }
  return undefined;
}

export function ok(body: unknown): Reply {
  return { status: 200, body };
}

export function created(body: unknown): Reply {
  return { status: 201, body };
}

/** One page of a list with the links to the others; `wrap` is for lists with a count. */
export function page<Item>(
  { query, path, world }: Call,
  items: readonly Item[],
  view: (item: Item) => unknown,
  wrap: (shown: readonly unknown[]) => unknown = (shown) => shown,
): Reply {
  const size = Math.min(100, Math.max(1, Number(query['per_page'] ?? 30) || 30));
  const number = Math.max(1, Number(query['page'] ?? 1) || 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (to: number, rel: string): string => {
    const search = new URLSearchParams({ ...query, page: `${to}` });
    return `<${world.origin}/api/v3${path}?${search.toString()}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [link(number - 1, 'prev')] : []),
    ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : []),
    ...(number > 1 ? [link(1, 'first')] : []),
  ];
  const shown = items.slice((number - 1) * size, number * size).map((item) => view(item));
  return {
    status: 200,
    body: wrap(shown),
    ...(links.length > 0 && { headers: { link: links.join(', ') } }),
  };
}

/** Reads a field that must be text. */
export function text(body: Json, field: string, resource: string): string {
  const value = body[field];
  if (typeof value === 'string' && value !== '') return value;
  throw invalid({ resource, code: 'missing_field', field });
}

/** Reads an optional field of text. */
export function optionalText(body: Json, field: string): string | undefined {
  const value = body[field];
  return typeof value === 'string' ? value : undefined;
}

/** The issue or pull request that a path names. */
export function issueOf({ repository, params }: RepositoryCall): Issue {
  const found = repository.issues.find((issue) => issue.number === Number(params['number']));
  if (found === undefined) throw notFound();
  return found;
}
