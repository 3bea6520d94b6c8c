import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../../errors.ts';
import { findPackage, installBinaries, type PostgresPackage, removeOthers } from './postgres-binaries.ts';
import { configure, dataVersion, makeData, refuseVersion } from './postgres-cluster.ts';
import { findServerPaths, makeSocketDirectory, type ServerPaths } from './server-paths.ts';
import { type Connection, startOrJoin, stop } from './postgres-server.ts';
import { type LeaveServer, acquireServerLock } from './server-lock.ts';
import { chooseServerUser } from './postgres-user.ts';

/**
 * The built-in PostgreSQL, in use by this process. Disposing of it stops the server when no other living process uses it,
 * and closes connections that are still open. A process that dies leaves the server running, for the next one to join.
 */
export interface EmbeddedPostgres extends AsyncDisposable {
  readonly connection: Connection;
}

/**
 * Opens the built-in PostgreSQL of a data directory: makes its data in `postgres/` at first use, and starts the server or
 * joins the running one. Any number of processes of one machine may do so at any time.
 * Throws a ChooError: `environment` when PostgreSQL cannot run here or not on this data, `conflict` when other files are in
 * the data directory or another process does not release the lock.
 */
export async function openEmbedded(dataDirectory: string): Promise<EmbeddedPostgres> {
  try {
    await mkdir(dataDirectory, { recursive: true, mode: 0o711 });
    return await open(await realpath(dataDirectory));
  } catch (error) {
    throw isDenied(error) ? denied(dataDirectory, error) : error;
  }
}

async function open(path: string): Promise<EmbeddedPostgres> {
  const data = join(path, 'postgres');
  const lockDirectory = join(path, 'postgres-users');
  const user = await chooseServerUser(data);
  const source = await findPackage();

  // No other process starts or stops the server meanwhile.
  await using lock = await acquireServerLock(lockDirectory);
  const version = await dataVersion(data);
  if (version !== undefined) refuseVersion(data, version, source.major);
  const paths = await findServerPaths(path, user);
  const leave = await lock.enter();
  try {
    const connection = await startOrJoin(paths, async () => prepare(paths, source));
    return { connection, [Symbol.asyncDispose]: async () => close(paths, lockDirectory, leave) };
  } catch (error) {
    await leave();
    throw error;
  }
}

/** Makes what a server needs before its start. Returns the directory of its binaries. */
async function prepare(paths: ServerPaths, source: PostgresPackage): Promise<string> {
  const { directory, isShared } = paths.binaries;
  const installed = await installBinaries(source, directory);
  if (!isShared) await removeOthers(source, directory);
  if ((await dataVersion(paths.data)) === undefined) await makeData(paths, installed);
  await configure(paths, await makeSocketDirectory(paths));
  return installed;
}

/** Stops the server when this was its last user. Idempotent. */
async function close(paths: ServerPaths, lockDirectory: string, leave: LeaveServer): Promise<void> {
  await using lock = await acquireServerLock(lockDirectory);
  await leave();
  if (!(await lock.isUsed())) await stop(paths.data);
}

function isDenied(error: unknown): error is Error {
  return (
    error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'EROFS'].includes(String(error.code))
  );
}

function denied(dataDirectory: string, cause: Error): ChooError {
  return new ChooError('environment', `choo cannot keep its database in ${dataDirectory}: ${cause.message}`, {
    hint: 'give that directory to the user choo runs as, choose another CHOO_DATA_DIR, or set DATABASE_URL',
    cause,
  });
}
