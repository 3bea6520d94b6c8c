import { execa } from 'execa';
import { join } from 'node:path';
import { GIT_ENVIRONMENT, refsOf } from './git.ts';
import { sayWhy } from './push-report.ts';
import { followPush } from './pushes.ts';
import { rulesForHook } from './rules.ts';
import { grants } from './permissions.ts';
import { maySee } from './router.ts';
import {
  mayWrite,
  repositoryNamed,
  repositoryOnceNamed,
  type Actor,
  type Repository,
  type World,
} from './world.ts';

/** A request of git's smart protocol. */
export interface GitRequest {
  readonly method: string;
  readonly service: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface GitAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Reads `/owner/name.git/service`; undefined for a path that is not git's. */
export function gitPathIn(path: string): { readonly name: string; readonly service: string } | undefined {
  const match = /^\/([^/]+\/[^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/.exec(path);
  return match === null ? undefined : { name: match[1] ?? '', service: match[2] ?? '' };
}

/** Serves a fetch or a push from the bare repository. Pushes run one at a time, each followed by its events. */
export async function serveGit(
  world: World,
  actor: Actor,
  name: string,
  request: GitRequest,
): Promise<GitAnswer> {
  const repository = repositoryNamed(world, name) ?? repositoryOnceNamed(world, name);
  if (repository === undefined || !maySee(actor, repository)) return refusal(404, 'Repository not found.');
  const service = request.query.get('service') ?? request.service;
  const pushing = service === 'git-receive-pack';
  if (!mayUse(actor, repository, pushing))
    return actor.kind === 'user'
      ? refusal(403, `Permission to ${name}.git denied to ${actor.user.login}.`)
      : refusal(403, 'Write access to repository not granted.');
  if (request.service !== 'git-receive-pack') return askBackend(repository, actor, request);
  return repository.alone(async () => {
    const before = await refsOf(repository.bare);
    const answer = await askBackend(repository, actor, request);
    const after = await refsOf(repository.bare);
    await followPush({ world, repository, sender: actor.user, before, after });
    return { ...answer, body: sayWhy(answer.body) };
  });
}

/** An answer with a text, which git shows after `remote:`. */
export function refusal(status: number, message: string): GitAnswer {
  return {
    status,
    headers: {
      'content-type': 'text/plain',
      ...(status === 401 && { 'www-authenticate': 'Basic realm="GitHub"' }),
    },
    body: Buffer.from(`${message}\n`),
  };
}

function mayUse(actor: Actor, repository: Repository, pushing: boolean): boolean {
  if (actor.kind === 'installation') return grants(actor.permissions, 'contents', pushing ? 'write' : 'read');
  return !pushing || mayWrite(repository, actor.user);
}

/** Runs `git http-backend` as a CGI program. */
async function askBackend(
  repository: Repository,
  actor: Actor,
  { method, service, query, headers, body }: GitRequest,
): Promise<GitAnswer> {
  const { bare } = repository;
  const root = join(bare, '..');
  const free = actor.kind !== 'installation' || grants(actor.permissions, 'workflows', 'write');
  const { stdout } = await execa('git', ['http-backend'], {
    input: body,
    encoding: 'buffer',
    stripFinalNewline: false,
    reject: false,
    extendEnv: false,
    maxBuffer: 512 * 1024 * 1024,
    env: {
      ...GIT_ENVIRONMENT,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      KEEP_WORKFLOWS: free ? '' : '1',
      RULES: rulesForHook(repository),
      REMOTE_USER: actor.user.login,
      REMOTE_ADDR: '127.0.0.1',
      REQUEST_METHOD: method,
      PATH_INFO: `${bare.slice(root.length)}/${service}`,
      QUERY_STRING: query.toString(),
      CONTENT_TYPE: String(headers['content-type'] ?? ''),
      CONTENT_LENGTH: `${body.length}`,
      HTTP_CONTENT_ENCODING: String(headers['content-encoding'] ?? ''),
    },
  });
  const bytes = Buffer.from(stdout ?? '');
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return refusal(500, 'Internal Server Error');
  const fields = bytes
    .subarray(0, end)
    .toString('latin1')
    .split('\r\n')
    .map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]);
  const { status = '200', ...rest } = Object.fromEntries(fields) as Record<string, string>;
  return { status: Number.parseInt(status, 10), headers: rest, body: bytes.subarray(end + 4) };
}
