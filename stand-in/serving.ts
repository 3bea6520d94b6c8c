import { kindOf, tokenIn, type Credentials } from './credentials.ts';
import type { Emulator } from './emulator.ts';
import type { FrontAnswer, FrontRequest } from './front.ts';
import { gitPathIn, refusal, serveGit } from './git-http.ts';
import { answerGraphql } from './graphql.ts';
import type { OAuth } from './oauth.ts';
import type { SeenRequest } from './options.ts';
import { Refusal } from './refusal.ts';
import type { LoggedRequest } from './requests.ts';
import { answer, maySee, type Reply } from './router.ts';
import { ROUTES } from './routes/all.ts';
import {
  fullName,
  repositoryNamed,
  repositoryOnceNamed,
  type Actor,
  type Json,
  type World,
} from './world.ts';

/** What is needed to answer a request. */
export interface Serving {
  readonly world: World;
  readonly emulator: Emulator;
  readonly credentials: Credentials;
  readonly oauth: OAuth;
  readonly requests: LoggedRequest[];
  readonly violations: string[];
  readonly onRequest: ((request: SeenRequest) => readonly string[]) | undefined;
}

/** Where requests are recorded. */
export interface RequestLog extends Pick<Serving, 'requests' | 'violations' | 'onRequest'> {
  /** Called with each recorded request that took effect, before its answer is sent. */
  watcher: ((request: LoggedRequest) => void) | undefined;
}

/** The beginning of the API's paths. */
const API = /^\/api(?:\/v3)?(?=\/)/;

/** The paths of a repository that only the front answers, so that the emulator never contradicts git. */
const OURS =
  /^\/repos\/[^/]+\/[^/]+\/(?:issues|pulls|labels|comments|git|commits|compare|contents|branches|check-|statuses)/;

/** Answers a request, of the API or of git. */
export async function serve(serving: Serving, request: FrontRequest): Promise<FrontAnswer> {
  if (gitPathIn(request.path) !== undefined) return serveRepository(serving, request);
  const signIn = serving.oauth.serve(request);
  if (signIn !== undefined) return signIn;
  return serveApi(serving, request, request.path.replace(API, ''));
}

/** Records every request with the app's credentials and shows it to the hook. */
export function note(log: RequestLog, request: FrontRequest): (status: number) => void {
  const { requests, violations, onRequest } = log;
  const token = kindOf(request.headers.authorization);
  if (token !== 'app' && token !== 'installation') return () => {};
  const isGit = gitPathIn(request.path) !== undefined;
  const seen = {
    method: request.method,
    path: request.path.replace(API, ''),
    query: Object.fromEntries(request.query),
    body: isGit || request.body.length === 0 ? undefined : read(request.body),
  };
  const entry: LoggedRequest = { at: Date.now(), ...seen, token, status: undefined };
  requests.push(entry);
  if (!isGit) violations.push(...(onRequest?.({ ...seen, graphql: seen.path === '/graphql' }) ?? []));
  return (status) => {
    entry.status = status;
    log.watcher?.(entry);
  };
}

async function serveRepository({ world, credentials }: Serving, request: FrontRequest): Promise<FrontAnswer> {
  const { name = '', service = '' } = gitPathIn(request.path) ?? {};
  try {
    const actor = await credentials.actorOf(request.headers.authorization);
    return await serveGit(world, actor, name, { ...request, service });
  } catch (error) {
    if (error instanceof Refusal) return refusal(error.status, error.message);
    throw error;
  }
}

async function serveApi(serving: Serving, request: FrontRequest, path: string): Promise<FrontAnswer> {
  const { world, credentials } = serving;
  try {
    const actor = await credentials.actorOf(request.headers.authorization);
    const body = (request.body.length === 0 ? {} : parse(request.body)) as Json;
    if (path === '/graphql') return written(await answerGraphql(world, actor, body));
    const minting = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(path);
    if (minting !== null && request.method === 'POST') {
      if (actor.kind !== 'app') throw new Refusal(401, 'A JSON web token could not be decoded');
      const made = await credentials.mint(
        `Bearer ${tokenIn(request.headers.authorization)}`,
        Number(minting[1]),
        body,
      );
      return written({ status: 201, body: made });
    }
    return await route(serving, actor, request, { path, body });
  } catch (error) {
    if (error instanceof Refusal) return written({ status: error.status, body: error.body });
    throw error;
  }
}

async function route(
  { world, emulator }: Serving,
  actor: Actor,
  request: FrontRequest,
  { path: asked, body }: { readonly path: string; readonly body: Json },
): Promise<FrontAnswer> {
  const path = byName(world, asked);
  const { method } = request;
  const once = movedTo(world, path);
  if (once !== undefined) {
    const location = `${world.origin}/api/v3${once}${request.query.size > 0 ? `?${request.query.toString()}` : ''}`;
    const status = method === 'GET' ? 301 : 307;
    return written({ status, headers: { location }, body: { message: 'Moved Permanently', url: location } });
  }
  const query = Object.fromEntries(request.query);
  const accept = request.headers.accept ?? '';
  const reply = await answer(ROUTES, { world, actor, method, path, query, body, accept });
  if (reply !== undefined) return written(reply);
  const [, name] = /^\/repos\/([^/]+\/[^/]+)/.exec(path) ?? [];
  const repository = name === undefined ? undefined : repositoryNamed(world, name);
  if (name !== undefined && (repository === undefined || !maySee(actor, repository)))
    throw new Refusal(404, 'Not Found');
  if (OURS.test(path)) throw new Refusal(501, `The stand-in for GitHub does not do ${method} ${path}`);
  const answered = await emulator.forward({
    method,
    path: request.query.size > 0 ? `${path}?${request.query.toString()}` : path,
    authorization: `Bearer ${tokenIn(request.headers.authorization)}`,
    body: request.body.toString(),
  });
  return { status: answered.status, headers: answered.headers, body: answered.text };
}

/** `/repositories/1/…` is the same as `/repos/owner/name/…`. */
function byName(world: World, path: string): string {
  const [, id, rest = ''] = /^\/repositories\/(\d+)(\/.*)?$/.exec(path) ?? [];
  const repository = world.repositories.find((each) => `${each.id}` === id);
  return repository === undefined ? path : `/repos/${fullName(repository)}${rest}`;
}

/** The present path of a renamed repository. */
function movedTo(world: World, path: string): string | undefined {
  const [, name = '', rest = ''] = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(path) ?? [];
  if (repositoryNamed(world, name) !== undefined) return undefined;
  const repository = repositoryOnceNamed(world, name);
  return repository === undefined ? undefined : `/repositories/${repository.id}${rest}`;
}

function written({ status, headers = {}, body }: Reply): FrontAnswer {
  const raw = typeof body === 'string';
  return {
    status,
    headers: {
      'content-type': raw ? 'application/vnd.github.raw; charset=utf-8' : 'application/json; charset=utf-8',
      'x-github-media-type': 'github.v3',
      ...headers,
    },
    body: raw ? body : body === undefined ? '' : JSON.stringify(body),
  };
}

function parse(body: Buffer): unknown {
  const value = read(body);
  if (typeof value === 'string') throw new Refusal(400, 'Problems parsing JSON');
  return value;
}

/** Parses JSON; returns any other body as text. */
function read(body: Buffer): unknown {
  const text = body.toString();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
