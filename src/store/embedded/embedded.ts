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
 * The built-in PostgreSQL, in use by this process. Disposing of it gives it back, and stops the server when no other
 * living process uses it; what is still connected then is cut off. A process that dies instead leaves it running, for the
 * next one to join.
 */
export interface EmbeddedPostgres extends AsyncDisposable {
  readonly connection: Connection;
}

/**
 * Opens the built-in PostgreSQL of a data directory: makes its data in `postgres/` at first use, starts the server when
 * none runs, and joins the one that does. Any number of processes of one machine may, at any time.
 * Throws a ChooError: `environment` when PostgreSQL cannot run here or not on this data, `conflict` when something else is
 * in the way.
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
  const notes = join(path, 'postgres-users');
  const user = await chooseServerUser(data);
  const source = await findPackage();

  // Nobody else starts or stops the server meanwhile.
  await using lock = await acquireServerLock(notes);
  const version = await dataVersion(data);
  if (version !== undefined) refuseVersion(data, version, source.major);
  const place = await findServerPaths(path, user);
  const leave = await lock.enter();
  try {
    const connection = await startOrJoin(place, async () => prepare(place, source));
    return { connection, [Symbol.asyncDispose]: async () => close(place, notes, leave) };
  } catch (error) {
    await leave();
    throw error;
  }
}

/** Makes what a server needs before it can be started. Returns where its binaries are. */
async function prepare(place: ServerPaths, source: PostgresPackage): Promise<string> {
  const { directory, isShared } = place.binaries;
  const installed = await installBinaries(source, directory);
  if (!isShared) await removeOthers(source, directory);
  if ((await dataVersion(place.data)) === undefined) await makeData(place, installed);
  await configure(place, await makeSocketDirectory(place));
  return installed;
}

/** The last one out stops the server. Asked twice it finds nothing to do. */
async function close(place: ServerPaths, notes: string, leave: LeaveServer): Promise<void> {
  await using lock = await acquireServerLock(notes);
  await leave();
  if (!(await lock.isUsed())) await stop(place.data);
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
