import { existsSync } from 'node:fs';
import { readFile, readlink, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { ChooError, messageOf } from '../../errors.ts';
import { isMissing } from '../../system/files.ts';
import { readText } from '../../system/lock-file.ts';
import { DATABASE, ROLE } from './postgres-cluster.ts';
import { runProgram, type ServerPaths } from './server-paths.ts';

/** A running server; it may be starting or stopping. */
interface Postmaster {
  readonly pid: number;
  /** The directory of its socket; empty: none yet. */
  readonly sockets: string;
}

/** What a client connects with. */
export interface Connection {
  /** Directory of the socket. */
  readonly host: string;
  /** `port` and `ssl` are explicit, so that the driver does not read PGPORT and PGSSLMODE. */
  readonly port: number;
  readonly ssl: false;
  readonly user: string;
  readonly database: string;
}

/** Time limit for a start, including crash recovery. Milliseconds. */
const START_MS = 120_000;
/** Time limit for a stop: the server writes its memory to disk and ends. Milliseconds. */
const STOP_MS = 60_000;
/** Time limit for one connection. A server that has not answered by then may have stopped: it is looked up again. Milliseconds. */
const CONNECT_MS = 5_000;
const POLL_MS = 10;
/** A larger log is rotated at the next start. Bytes. */
const LOG_BYTES = 1_000_000;
const SOCKET_LOCK = '.s.PGSQL.5432.lock';

function connectionTo(sockets: string): Connection {
  return { host: sockets, port: 5432, ssl: false, user: ROLE, database: DATABASE };
}

/** The running server of a data directory; undefined when there is none. `data` must be a real path. */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const pidFile = await readPidFile(data);
  return pidFile !== undefined && (await isServer(pidFile.pid, data)) ? pidFile : undefined;
}

/** The pid file of the last server, running or not. */
async function readPidFile(data: string): Promise<Postmaster | undefined> {
  const text = await readText(join(data, 'postmaster.pid'));
  const [pid = '', , , , sockets = ''] = (text ?? '').split('\n');
  return /^[1-9][0-9]*$/.test(pid) ? { pid: Number(pid), sockets } : undefined;
}

/** The pid may belong to another process by now, and a zombie does not count. */
async function isServer(pid: number, data: string): Promise<boolean> {
  if (process.platform !== 'linux') return isReachable(pid);
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === data;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) return false;
    // Root in a container often may not inspect other users' processes, but every user can read their names.
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return /\(postgres\) [^ZX]/.test(status);
  }
}

function isReachable(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // a process of another user is not our server
  }
}

/**
 * Waits until the server answers, and starts it when none runs. `prepare` is called before a start. The caller must hold the
 * server lock. Throws a ChooError (`environment`).
 */
export async function startOrJoin(
  paths: ServerPaths,
  prepare: () => Promise<string>,
  limitMs = START_MS,
): Promise<Connection> {
  let lastFailure = 'it does not answer';
  for (const deadline = performance.now() + limitMs; ; await wait(POLL_MS)) {
    const postmaster = await findPostmaster(paths.data);
    if (postmaster === undefined) {
      const failure = await start(paths, await prepare());
      if (failure !== undefined && !isRecovering(failure)) throw notStarted(paths, failure);
      if (failure !== undefined) lastFailure = failure;
    } else if (postmaster.sockets !== '') {
      const connection = connectionTo(postmaster.sockets);
      const failure = await tryConnection(connection, limitMs);
      if (failure === undefined) return connection;
      lastFailure = failure;
    }
    if (performance.now() > deadline) throw notStarted(paths, lastFailure);
  }
}

/** A killed server may leave processes that finish a statement; no server can start before they end. */
function isRecovering(failure: string): boolean {
  return /pre-existing shared memory block|lock file "postmaster\.pid" already exists/.test(failure);
}

/** Starts a server. Returns its log or output when the start failed. */
async function start(paths: ServerPaths, binaries: string): Promise<string | undefined> {
  const log = join(paths.data, 'server.log');
  await removeStaleFiles(paths.data);
  const before = await sizeOf(log);
  if (before > LOG_BYTES) await rename(log, `${log}.old`);
  // pg_ctl gives the server its own session: Ctrl-C in a terminal does not reach it.
  const { exitCode, output } = await runProgram(
    paths,
    paths.data,
    [join(binaries, 'bin/pg_ctl'), 'start', '--wait', `--timeout=${START_MS / 1_000}`, '--log=server.log'],
    START_MS + 10_000,
  );
  if (exitCode === 0) return undefined;
  const said = await readFrom(log, before > LOG_BYTES ? 0 : before);
  return said.trim() || output.trim();
}

/**
 * Removes the pid file of a dead server whose pid is in use: PostgreSQL takes any process of its user with that pid for its
 * last server, even an unrelated one after a reboot, or a zombie. When the pid is free, PostgreSQL cleans up by itself.
 */
async function removeStaleFiles(data: string): Promise<void> {
  const pidFile = await readPidFile(data);
  if (pidFile === undefined || process.platform !== 'linux' || !existsSync(`/proc/${pidFile.pid}`)) return;
  await rm(join(data, 'postmaster.pid'), { force: true });
  if (pidFile.sockets !== '') await rm(join(pidFile.sockets, SOCKET_LOCK), { force: true });
}

/**
 * Stops a server (fast shutdown): it refuses new connections, rolls back open transactions and writes everything to disk. The
 * caller must hold the server lock. Throws a ChooError (`environment`).
 */
export async function stop(data: string, limitMs = STOP_MS): Promise<void> {
  const postmaster = await findPostmaster(data);
  if (postmaster === undefined) return;
  process.kill(postmaster.pid, 'SIGINT');
  for (const deadline = performance.now() + limitMs; ; await wait(POLL_MS)) {
    if ((await findPostmaster(data))?.pid !== postmaster.pid) break;
    if (performance.now() > deadline) throw notStopped(data, postmaster.pid);
  }
  // The server removed its socket. Its directory would be left behind among temporary files.
  await rmdir(postmaster.sockets).catch(() => {});
}

/** Undefined when the server answers, else why it does not yet; throws when waiting will not help. */
async function tryConnection(connection: Connection, limitMs: number): Promise<string | undefined> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: Math.min(limitMs, CONNECT_MS) });
  client.on('error', () => {}); // `connect` reports it, or the connection is being closed
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === '53300') return undefined; // too many connections: the server answers
    if (!code.startsWith('28')) return messageOf(error);
    throw new ChooError('environment', `the built-in PostgreSQL refuses this user: ${String(error)}`, {
      hint: 'run choo as the user that started it, or stop the other choo first',
      cause: error,
    });
  } finally {
    await client.end().catch(() => {});
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function readFrom(path: string, offset: number): Promise<string> {
  const text = await readFile(path).catch(() => Buffer.alloc(0));
  return text.subarray(offset).toString('utf8').slice(-4_000);
}

function notStopped(data: string, pid: number): ChooError {
  return new ChooError('environment', `the built-in PostgreSQL (process ${pid}) does not stop`, {
    hint: `see ${join(data, 'server.log')}; \`kill -QUIT ${pid}\` ends it, and the next start repairs its files`,
  });
}

function notStarted({ data }: ServerPaths, failure: string): ChooError {
  return new ChooError('environment', `the built-in PostgreSQL did not start: ${failure}`, {
    hint: `its log is ${join(data, 'server.log')}; DATABASE_URL can name a PostgreSQL of your own instead`,
  });
}
