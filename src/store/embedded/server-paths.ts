import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { ChooError } from '../../errors.ts';
import { runTool, type ToolResult } from '../../system/run-program.ts';
import { canEnter, type ServerUser } from './postgres-user.ts';

/** Where a server has its files, and whom it runs as. */
export interface ServerPaths {
  readonly user: ServerUser;
  /** The data. */
  readonly data: string;
  /** The server cannot get to its data by name: see {@link runProgram}. */
  readonly isClosed: boolean;
  /** Where copies of the binaries are, perhaps with those that servers of other data directories run. */
  readonly binaries: { readonly directory: string; readonly isShared: boolean };
}

/** For binaries when the data directory is closed to the server: what lies here can be made again. */
const CACHE = '/var/cache/choo';

/** The name PostgreSQL gives to a socket, in its directory. */
const SOCKET = '.s.PGSQL.5432';
/** What the path of a socket may have where it may have least (macOS; Linux: 107). Bytes. */
const SOCKET_PATH_BYTES = 103;

/** Finds the place for a data directory, which must be there; `path` is its real one. */
export async function findServerPaths(path: string, user: ServerUser): Promise<ServerPaths> {
  const isClosed = !(await canEnter(user, path));
  if (isClosed && process.platform !== 'linux') {
    throw new ChooError(
      'environment',
      `${path} is closed to user \`${user.name}\`, whom PostgreSQL runs as`,
      {
        hint: 'let everybody pass (chmod o+x) it and the directories it is in, or choose another CHOO_DATA_DIR',
      },
    );
  }
  const base = isClosed ? CACHE : path;
  return {
    user,
    data: join(path, 'postgres'),
    isClosed,
    binaries: { directory: join(base, 'postgres-binaries'), isShared: isClosed },
  };
}

/**
 * Runs one of PostgreSQL's programs to its end, as the server's user, on a directory of data. It stands in that directory
 * from the start, and where the way there is closed, is told its name as the place it stands in: Linux follows that link
 * without walking the way.
 */
export async function runProgram(
  { user, isClosed }: ServerPaths,
  directory: string,
  [program, ...args]: readonly [string, ...string[]],
  limitMs: number,
): Promise<ToolResult> {
  return runTool({
    argv: [program, ...args, '-D', isClosed ? '/proc/self/cwd' : directory],
    cwd: directory,
    env: { LC_ALL: 'C', TZ: 'UTC' }, // a time zone that is not told is searched for
    user: user.isOther ? user : undefined,
    limitMs,
  });
}

/**
 * Makes the directory for the server's socket, which nobody but the server's user and root can enter. It is in the data
 * directory when the path stays short enough for a socket, else in a directory for temporary files, under a name of its own.
 */
export async function makeSocketDirectory({ data, isClosed, user }: ServerPaths): Promise<string> {
  const short = `choo-${createHash('sha256').update(data).digest('hex').slice(0, 16)}`;
  const candidates = [join(tmpdir(), short), join('/tmp', short)];
  if (!isClosed) candidates.unshift(`${data}-socket`);
  for (const path of candidates) {
    if (Buffer.byteLength(join(path, SOCKET)) > SOCKET_PATH_BYTES) continue;
    await makePrivate(path, user);
    if (await canEnter(user, path)) return path;
  }
  throw new ChooError('environment', `user \`${user.name}\`, whom PostgreSQL runs as, cannot enter /tmp`, {
    hint: 'let everybody enter /tmp (chmod 1777), or set DATABASE_URL to a PostgreSQL of your own',
  });
}

/** A directory for temporary files is everybody's: somebody may have made one of the same name, to listen in on it. */
async function makePrivate(path: string, { uid, gid, isOther }: ServerUser): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  const found = await lstat(path);
  if (!found.isDirectory() || ![uid, process.getuid?.()].includes(found.uid)) {
    throw new ChooError('environment', `${path} is there already, and belongs to user ${found.uid}`, {
      hint: 'choo keeps the socket of its PostgreSQL there and nobody else should: remove it',
    });
  }
  if (isOther) await chown(path, uid, gid);
  await chmod(path, 0o700);
}
