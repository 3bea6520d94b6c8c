import { execa } from 'execa';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { DATABASE, ROLE } from '../../src/store/embedded/postgres-cluster.ts';
import { copyDatabase } from './database-template.ts';
import { git } from './git-repository.ts';
import { CHOO, NODE_COMPILE_CACHE, type Outcome, runChoo } from './run-choo.ts';
import { makeProject, type ProjectSpec } from './spec-project.ts';

/** A process of a server, as an operator starts it. */
export interface ServerProcess {
  readonly child: ReturnType<typeof startServe>;
  readonly pid: number;
  readonly port: number;
  /** What it logged, a line each. */
  readonly log: () => readonly Readonly<Record<string, unknown>>[];
}

/** The processes of a server on one data directory. */
export interface Server extends AsyncDisposable {
  readonly choo: (...args: string[]) => Promise<Outcome>;
  /** Starts `choo serve` and waits until it is ready. */
  readonly serve: (options?: {
    readonly role?: string;
    readonly environment?: Readonly<Record<string, string>>;
    readonly port?: number;
    readonly args?: readonly string[];
  }) => Promise<ServerProcess>;
  /** What its built-in database holds, without being counted among those who use it. */
  readonly rows: (query: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Where its built-in database listens; it must run. */
  readonly socket: () => string;
}

/** A bare remote with a project in it, and processes that serve it. */
export interface ServerProject extends Server {
  readonly remote: string;
  readonly dataDirectory: string;
  /** Submits what the remote holds; the id of the run. */
  readonly submit: (...args: string[]) => Promise<string>;
  readonly status: (run: string) => Promise<StatusLine>;
  /** In the remote. */
  readonly git: (...args: string[]) => Promise<string>;
}

/** The part of `choo status --json` that tests look at. */
interface StatusLine {
  readonly status: string;
  readonly units: readonly {
    readonly id: string;
    readonly state: string;
    readonly head: string | null;
    readonly branch: string | null;
    readonly message: string | null;
    readonly givenBack: string | null;
  }[];
}

/**
 * Makes it; every process that it started is gone when it is disposed of. `environment` is what all of them get. Its
 * database was made beforehand, unless `isNew`.
 */
export async function makeServerProject(
  spec: ProjectSpec,
  environment: Readonly<Record<string, string>> = {},
  { isNew = false } = {},
): Promise<ServerProject> {
  const project = await makeProject(spec);
  if (!isNew) await copyDatabase(project.dataDirectory, 'choo');
  const remote = join(project.path, '../remote.git');
  await git(project.path, 'clone', '--quiet', '--bare', project.path, remote);
  const { dataDirectory } = project;
  const server = makeServer({ cwd: project.path, dataDirectory, environment });
  const one = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await server.choo(...args);
    if (exitCode !== 0) throw new Error(`choo ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  return {
    ...server,
    remote,
    dataDirectory,
    submit: async (...args) => {
      const answer = JSON.parse(await one('submit', remote, '--json', ...args)) as { readonly run: string };
      return answer.run;
    },
    status: async (run) => JSON.parse(await one('status', run, '--json')) as StatusLine,
    git: async (...args) => git(remote, ...args),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await rm(remote, { recursive: true, force: true });
      await project[Symbol.asyncDispose]();
    },
  };
}

/** Processes of a server, none yet; all of them are gone when it is disposed of. `environment` is what each gets. */
export function makeServer({
  cwd,
  dataDirectory,
  environment,
}: {
  readonly cwd: string;
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
}): Server {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: '/nonexistent',
    NODE_COMPILE_CACHE,
    CHOO_DATA_DIR: dataDirectory,
    CHOO_ALLOWED_PROVIDERS: 'rehearsal',
    CHOO_SANDBOX: 'host',
    CHOO_DRAIN_SECONDS: '1',
    ...environment,
  };
  const children = new Set<ServerProcess['child']>();
  let client: Promise<pg.Client> | undefined;
  return {
    choo: async (...args) => runChoo(cwd, args, env),
    socket: () => socketOf(dataDirectory),
    rows: async (query) => {
      if (client === undefined) {
        const made = connect(dataDirectory);
        const forget = (): void => void (client = client === made ? undefined : client);
        made.then((open) => open.once('end', forget), forget);
        client = made;
      }
      return (await (await client).query(query)).rows;
    },
    serve: async ({ role = 'all', environment: more = {}, port = 0, args = [] } = {}) => {
      const child = startServe(cwd, { role, port, args }, { ...env, ...more });
      children.add(child);
      const lines: Record<string, unknown>[] = [];
      const ready = Promise.withResolvers<number>();
      let rest = '';
      child.stderr.on('data', (chunk: Buffer) => {
        const parts = (rest + String(chunk)).split('\n');
        rest = parts.pop() ?? '';
        for (const part of parts) {
          const line = readLine(part);
          lines.push(line);
          if (typeof line['port'] === 'number') ready.resolve(line['port']);
        }
      });
      void child.then(() => ready.reject(new Error(`it did not start: ${JSON.stringify(lines)}`)));
      return { child, pid: child.pid ?? 0, port: await ready.promise, log: () => lines };
    },
    [Symbol.asyncDispose]: async () => {
      await client?.then(async (open) => open.end()).catch(() => {});
      for (const child of children) child.kill('SIGTERM');
      await Promise.all([...children].map(async (child) => Promise.race([child, late()])));
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(children);
    },
  };
}

/** A connection of a test; the server ends it when it stops. */
async function connect(dataDirectory: string): Promise<pg.Client> {
  const client = new pg.Client({ host: socketOf(dataDirectory), user: ROLE, database: DATABASE });
  client.on('error', () => {});
  await client.connect();
  await client.query('set search_path = choo');
  return client;
}

/** As the server itself has noted it. */
function socketOf(dataDirectory: string): string {
  return readFileSync(join(dataDirectory, 'postgres/postmaster.pid'), 'utf8').split('\n')[4] ?? '';
}

function startServe(
  cwd: string,
  { role, port, args }: { readonly role: string; readonly port: number; readonly args: readonly string[] },
  env: Readonly<Record<string, string>>,
) {
  const [node, cli] = CHOO;
  const options = { cwd, extendEnv: false, env, stdin: 'ignore', reject: false } as const;
  return execa(node, [cli, 'serve', '--role', role, '--port', String(port), ...args], options);
}

async function late(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 15_000).unref());
}

function readLine(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { msg: text };
  }
}
