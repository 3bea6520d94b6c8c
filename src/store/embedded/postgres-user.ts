import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import process from 'node:process';
import { ChooError } from '../../errors.ts';
import { isMissing } from '../../system/files.ts';
import { runTool } from '../../system/run-program.ts';

/** A user of this machine. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The user that the server runs as. */
export interface ServerUser extends SystemUser {
  /** choo is root, and must start the server's programs as this user. */
  readonly isOther: boolean;
}

/** The user that agents and gates run as, INSIDE_UID in `sandbox/`, which this folder may not import. A test compares them. */
const SANDBOX_UID = 64_123;

/**
 * The user that the server of a data directory runs as: choo's own user, unless that is root, which PostgreSQL refuses. Then
 * it is the owner of the data, or before there is data, the first of `postgres` and `nobody` that this machine has.
 * Throws a ChooError (`environment`) when none of these is possible.
 */
export async function chooseServerUser(data: string): Promise<ServerUser> {
  const owner = await ownerOf(data);
  if (process.getuid?.() === 0) {
    const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
    return { ...pickUser(passwd, data, owner), isOther: true };
  }
  const own = ownUser();
  if (owner === undefined || owner === own.uid) return { ...own, isOther: false };
  throw new ChooError('environment', `${data} belongs to user ${owner}, and choo runs as \`${own.name}\``, {
    hint: 'run choo as that user or as root, or give it another CHOO_DATA_DIR',
  });
}

/**
 * The server's user when choo is root, from the text of /etc/passwd. `owner` is the uid of the existing data.
 *
 * @internal
 */
export function pickUser(passwd: string, data: string, owner?: number): SystemUser {
  const users = parsePasswd(passwd).filter(({ uid }) => uid !== 0 && uid !== SANDBOX_UID);
  const found =
    owner === undefined
      ? ['postgres', 'nobody'].map((name) => users.find((user) => user.name === name)).find(Boolean)
      : users.find(({ uid }) => uid === owner);
  if (found !== undefined) return found;
  if (owner === undefined) {
    throw new ChooError(
      'environment',
      'choo is root, PostgreSQL must not be, and this machine has neither a user `postgres` nor `nobody` to run it as',
      { hint: 'add one (`useradd --system postgres`), run choo as another user, or set DATABASE_URL' },
    );
  }
  throw new ChooError(
    'environment',
    `${data} belongs to user ${owner}, which PostgreSQL cannot run as: it is root, the sandbox's user or not in /etc/passwd`,
    { hint: `stop whatever uses it and give it to a user that can: \`chown -R postgres: ${data}\`` },
  );
}

/** The user that choo runs as. Throws a ChooError (`environment`) when it has no name. */
export function ownUser(): SystemUser {
  try {
    const { username, uid, gid } = userInfo();
    return { name: username, uid, gid };
  } catch (cause) {
    // PostgreSQL does not start as a user without a name.
    throw new ChooError('environment', `user ${process.getuid?.() ?? ''} is not in /etc/passwd`, {
      hint: 'add it there, run choo as a user that is, or set DATABASE_URL to a PostgreSQL of your own',
      cause,
    });
  }
}

/** Whether the server can enter a directory; the directory or one of its parents may be closed to it. */
export async function canEnter({ uid, gid, isOther }: ServerUser, directory: string): Promise<boolean> {
  if (!isOther) return true;
  // Tried out: modes alone do not show access lists, or file systems that do not trust root.
  const { exitCode } = await runTool({
    argv: ['/bin/sh', '-c', 'cd -- "$1"', 'sh', directory],
    cwd: '/',
    env: {},
    user: { uid, gid },
    limitMs: 10_000,
  });
  return exitCode === 0;
}

function parsePasswd(text: string): readonly SystemUser[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    const isUser = name !== undefined && /^[0-9]+$/.test(uid ?? '') && /^[0-9]+$/.test(gid ?? '');
    return isUser ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}

async function ownerOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).uid;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
