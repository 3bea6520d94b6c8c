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

/** A server that runs; it may be starting or stopping. */
interface Postmaster {
  readonly pid: number;
  /** The directory of its socket; empty: it has none yet. */
  readonly sockets: string;
}

/** What a client connects with. */
export interface Connection {
  /** Directory of the socket. */
  readonly host: string;
  /** With `ssl`: said, so that the driver does not take them from PGPORT and PGSSLMODE. */
  readonly port: number;
  readonly ssl: false;
  readonly user: string;
  readonly database: string;
}

/** How long a server may take to answer, recovery from a crash included. Milliseconds. */
const START_MS = 120_000;
/** How long it may take to write what it has in memory and end. Milliseconds. */
const STOP_MS = 60_000;
/** A server that has not answered by then may have stopped in between: it is looked at anew. Milliseconds. */
const CONNECT_MS = 5_000;
const POLL_MS = 10;
/** A larger log than this makes room for a new one at the next start. Bytes. */
const LOG_BYTES = 1_000_000;
const SOCKET_LOCK = '.s.PGSQL.5432.lock';

function connectionTo(sockets: string): Connection {
  return { host: sockets, port: 5432, ssl: false, user: ROLE, database: DATABASE };
}

/** The server of a data directory; undefined: none runs. `data` must be a real path. */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const noted = await readPidFile(data);
  return noted !== undefined && (await isServer(noted.pid, data)) ? noted : undefined;
}

/** What the last server has written of itself, if it runs or not. */
async function readPidFile(data: string): Promise<Postmaster | undefined> {
  const text = await readText(join(data, 'postmaster.pid'));
  const [pid = '', , , , sockets = ''] = (text ?? '').split('\n');
  return /^[1-9][0-9]*$/.test(pid) ? { pid: Number(pid), sockets } : undefined;
}

/** The number may be another process's by now; one that has ended and that nobody has buried runs nothing either. */
async function isServer(pid: number, data: string): Promise<boolean> {
  if (process.platform !== 'linux') return answers(pid);
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === data;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) return false;
    // The root of a container often may not look at other users' processes. Their names are open to everybody.
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return /\(postgres\) [^ZX]/.test(status);
  }
}

function answers(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // a process of another user is no server of ours
  }
}

/**
 * Waits until the server of a place answers, and starts it when none runs. `prepare` is called before a start. To be called
 * in a turn. Throws a ChooError (`environment`).
 */
export async function startOrJoin(
  place: ServerPaths,
  prepare: () => Promise<string>,
  limitMs = START_MS,
): Promise<Connection> {
  let words = 'it does not answer';
  for (const deadline = performance.now() + limitMs; ; await wait(POLL_MS)) {
    const postmaster = await findPostmaster(place.data);
    if (postmaster === undefined) {
      const failure = await start(place, await prepare());
      if (failure !== undefined && !isRecovering(failure)) throw notStarted(place, failure);
      if (failure !== undefined) words = failure;
    } else if (postmaster.sockets !== '') {
      const connection = connectionTo(postmaster.sockets);
      const failure = await tryConnection(connection, limitMs);
      if (failure === undefined) return connection;
      words = failure;
    }
    if (performance.now() > deadline) throw notStarted(place, words);
  }
}

/** A server that was killed may leave processes that finish a statement; none can start before they have ended. */
function isRecovering(failure: string): boolean {
  return /pre-existing shared memory block|lock file "postmaster\.pid" already exists/.test(failure);
}

/** Starts a server. Returns what it said when it does not run. */
async function start(place: ServerPaths, binaries: string): Promise<string | undefined> {
  const log = join(place.data, 'server.log');
  await removeStaleFiles(place.data);
  const before = await sizeOf(log);
  if (before > LOG_BYTES) await rename(log, `${log}.old`);
  // It makes the server the head of its own session: Ctrl-C in a terminal does not reach it.
  const { exitCode, output } = await runProgram(
    place,
    place.data,
    [join(binaries, 'bin/pg_ctl'), 'start', '--wait', `--timeout=${START_MS / 1_000}`, '--log=server.log'],
    START_MS + 10_000,
  );
  if (exitCode === 0) return undefined;
  const said = await readFrom(log, before > LOG_BYTES ? 0 : before);
  return said.trim() || output.trim();
}

/**
 * PostgreSQL takes any process of its user that has the number of its last server for that server: another one after a new
 * start of the machine, or the server itself as a zombie. Where no process has it, it knows better what to do by itself.
 */
async function removeStaleFiles(data: string): Promise<void> {
  const noted = await readPidFile(data);
  if (noted === undefined || process.platform !== 'linux' || !existsSync(`/proc/${noted.pid}`)) return;
  await rm(join(data, 'postmaster.pid'), { force: true });
  if (noted.sockets !== '') await rm(join(noted.sockets, SOCKET_LOCK), { force: true });
}

/**
 * Ends a server: nothing new is let in, what is under way is rolled back, all is written to disk. To be called in a turn.
 * Throws a ChooError (`environment`).
 */
export async function stop(data: string, limitMs = STOP_MS): Promise<void> {
  const postmaster = await findPostmaster(data);
  if (postmaster === undefined) return;
  process.kill(postmaster.pid, 'SIGINT');
  for (const deadline = performance.now() + limitMs; ; await wait(POLL_MS)) {
    if ((await findPostmaster(data))?.pid !== postmaster.pid) break;
    if (performance.now() > deadline) throw notStopped(data, postmaster.pid);
  }
  // It has taken its socket with it. A directory for temporary files would collect these.
  await rmdir(postmaster.sockets).catch(() => {});
}

/** Undefined: it answers. Else why it does not yet; throws when that will not change. */
async function tryConnection(connection: Connection, limitMs: number): Promise<string | undefined> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: Math.min(limitMs, CONNECT_MS) });
  client.on('error', () => {}); // it was told of already, or we are leaving
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === '53300') return undefined; // too many connections are connections
    if (!code.startsWith('28')) return messageOf(error);
    throw new ChooError(
      'environment',
      `the built-in PostgreSQL does not let this user in: ${String(error)}`,
      {
        hint: 'run choo as the user that started it, or stop the other choo first',
        cause: error,
      },
    );
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

function notStarted({ data }: ServerPaths, words: string): ChooError {
  return new ChooError('environment', `the built-in PostgreSQL did not start: ${words}`, {
    hint: `its log is ${join(data, 'server.log')}; DATABASE_URL can name a PostgreSQL of your own instead`,
  });
}
