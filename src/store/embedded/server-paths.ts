import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { ChooError } from '../../errors.ts';
import { runTool, type ToolResult } from '../../system/run-program.ts';
import { canEnter, type ServerUser } from './postgres-user.ts';

/** The paths of a server, and the user that it runs as. */
export interface ServerPaths {
  readonly user: ServerUser;
  /** The data directory of PostgreSQL. */
  readonly data: string;
  /** The server's user cannot reach its data by path: see {@link runProgram}. */
  readonly isClosed: boolean;
  /** Directory for copies of the binaries; shared: servers of other data directories may run from it. */
  readonly binaries: { readonly directory: string; readonly isShared: boolean };
}

/** For binaries when the data directory is closed to the server's user. Can be deleted and made again. */
const CACHE = '/var/cache/choo';

/** The name that PostgreSQL gives to its socket. */
const SOCKET = '.s.PGSQL.5432';
/** Limit for the path of a socket: the smallest of all systems (macOS; Linux: 107). Bytes. */
const SOCKET_PATH_BYTES = 103;

/** The paths for a data directory, which must exist; `path` is its real path. */
export async function findServerPaths(path: string, user: ServerUser): Promise<ServerPaths> {
  const isClosed = !(await canEnter(user, path));
  if (isClosed && process.platform !== 'linux') {
    throw new ChooError(
      'environment',
      `${path} is closed to user \`${user.name}\`, which PostgreSQL runs as`,
      {
        hint: 'make it and its parent directories passable (chmod o+x), or choose another CHOO_DATA_DIR',
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
 * Runs one of PostgreSQL's programs to its end, as the server's user, on a data directory. That is its working directory; if
 * the server's user cannot reach it by path, the program gets `/proc/self/cwd`, which Linux resolves without the path.
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
    env: { LC_ALL: 'C', TZ: 'UTC' }, // without TZ, PostgreSQL searches for the time zone
    user: user.isOther ? user : undefined,
    limitMs,
  });
}

/**
 * Makes the directory for the server's socket, which only the server's user and root can enter. It is in the data directory
 * when the path is short enough for a socket, else in a directory for temporary files, under a unique name.
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
  throw new ChooError('environment', `user \`${user.name}\`, which PostgreSQL runs as, cannot enter /tmp`, {
    hint: 'make /tmp open to all users (chmod 1777), or set DATABASE_URL to a PostgreSQL of your own',
  });
}

/** Every user can write to a directory for temporary files, and may have made this name to intercept connections. */
async function makePrivate(path: string, { uid, gid, isOther }: ServerUser): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  const found = await lstat(path);
  if (!found.isDirectory() || ![uid, process.getuid?.()].includes(found.uid)) {
    throw new ChooError('environment', `${path} exists already, and belongs to user ${found.uid}`, {
      hint: 'choo needs this path for the socket of its PostgreSQL: remove it',
    });
  }
  if (isOther) await chown(path, uid, gid);
  await chmod(path, 0o700);
}
