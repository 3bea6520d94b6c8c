import { execa } from 'execa';
import { chmod, chown, mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { openEmbedded } from '../src/store/embedded/embedded.ts';
import { findPostmaster } from '../src/store/embedded/postgres-server.ts';
import { treeCpuMs } from './engine-process.ts';
import { chooseServerUser } from '../src/store/embedded/postgres-user.ts';

/** What was started and must end: the last first, also while it is still being started. */
export class Started implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();

  async keep<T extends AsyncDisposable>(open: () => Promise<T>): Promise<T> {
    if (this.#stack.disposed) throw new Error('the benchmark ends');
    const opening = open();
    this.#stack.defer(async () => {
      const opened = await opening.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
    });
    return opening;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A PostgreSQL of the benchmark's own. */
export interface BenchServer {
  readonly name: string;
  /** A new database, and how it is reached. */
  readonly createDatabase: (name: string) => Promise<string>;
  /** Processor time of the server so far. Milliseconds. */
  readonly cpuMs: () => number;
}

/** A temporary directory that a server of another user can be in. */
export async function openPlace(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'choo-bench-')));
  await chmod(path, 0o711);
  return {
    path,
    [Symbol.asyncDispose]: async () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** The PostgreSQL that choo brings, with choo's settings. */
export async function startBuiltIn(started: Started): Promise<BenchServer> {
  const { path } = await started.keep(openPlace);
  const { connection } = await started.keep(async () => openEmbedded(path));
  const postmaster = await findPostmaster(join(path, 'postgres'));
  return serverAt('built-in PostgreSQL', connection.host, postmaster?.pid);
}

/** Debian's PostgreSQL with Debian's settings, where it is installed. */
export async function startDebian(started: Started): Promise<BenchServer | undefined> {
  const found = await findDebian();
  if (found === undefined) return undefined;
  const { path } = await started.keep(openPlace);
  const data = join(path, 'data');
  const { uid, gid } = await chooseServerUser(data);
  await mkdir(data, { mode: 0o700 });
  await chown(data, uid, gid);
  const options = { cwd: data, uid, gid, reject: false, stdio: ['ignore', 'ignore', 'pipe'] } as const;
  const made = await execa(
    join(found.binaries, 'initdb'),
    [`--pgdata=${data}`, '--username=choo', '--auth=trust', '--locale=C.UTF-8', '--encoding=UTF8'],
    options,
  );
  if (made.failed) throw new Error(`initdb: ${made.stderr}`);
  let pid: number | undefined;
  await started.keep(async () => {
    const settings = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${data}`];
    const server = execa(join(found.binaries, 'postgres'), ['-D', data, ...settings], options);
    pid = server.pid;
    return {
      [Symbol.asyncDispose]: async () => {
        server.kill('SIGINT'); // cuts off who is connected
        await server;
      },
    };
  });
  return serverAt(`Debian's PostgreSQL ${found.version}`, data, pid);
}

async function findDebian(): Promise<{ readonly version: string; readonly binaries: string } | undefined> {
  const root = '/usr/lib/postgresql';
  const versions = await namesIn(root);
  for (const version of versions.toSorted((a, b) => Number(b) - Number(a))) {
    const binaries = join(root, version, 'bin');
    if ((await namesIn(binaries)).includes('initdb')) return { version, binaries };
  }
  return undefined;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((): string[] => []);
}

async function serverAt(name: string, sockets: string, pid = 0): Promise<BenchServer> {
  const urlOf = (database: string): string =>
    `postgresql://choo@localhost:5432/${database}?host=${encodeURIComponent(sockets)}&sslmode=disable`;
  await untilAnswers(urlOf('postgres'));
  return {
    name,
    cpuMs: () => treeCpuMs(pid),
    createDatabase: async (database) => {
      await withClient(urlOf('postgres'), async (client) => client.query(`create database ${database}`));
      return urlOf(database);
    },
  };
}

/** A connection for as long as `act` takes. */
export async function withClient<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  client.on('error', () => {}); // its statement fails, too
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

async function untilAnswers(url: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; ; await wait(50)) {
    try {
      return await withClient(url, async () => {});
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
