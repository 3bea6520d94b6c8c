import { ChooError } from '../../errors.ts';
import { newMark, OWNER_VARIABLE } from '../../system/process-tree.ts';
import { markedTree } from '../process/marked-tree.ts';
import { runCommand } from '../process/runner.ts';
import { HOME } from '../sandbox.ts';

/**
 * The sandbox user when choo is root: a real user id of the machine, so that files of other users are closed to it,
 * and one that no user or package has. (Debian gives users ids up to 59999; 65534 is the user `nobody`.)
 */
export const INSIDE_UID = 64_123;

/**
 * What `/etc/passwd` and `/etc/group` say inside, whoever is known on the machine: the user of commands, and who owns what is
 * of nobody inside. Programs such as `initdb` and `ssh` need the name of their user.
 */
export function accountFiles(uid: number, gid: number): Readonly<Record<'passwd' | 'group', string>> {
  const passwd = `root:x:0:0:root:/root:/usr/sbin/nologin
choo:x:${uid}:${gid}:choo:${HOME}:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`;
  const group = `root:x:0:
tty:x:5:
choo:x:${gid}:
nogroup:x:65534:
`;
  return { passwd, group };
}

const CHOWN_TIMEOUT_MS = 10 * 60_000;

/** Makes a user the owner of a path and everything below it. Changes links themselves, since one may have been planted. */
export async function chownTo(uid: number, path: string, searchPath: string): Promise<void> {
  const argv = ['chown', '--recursive', '-P', '--no-dereference', '--', `${uid}:${uid}`, path] as const;
  await runAsRoot(argv, searchPath, `Could not give \`${path}\` to user ${uid}`);
}

/**
 * Lets every user change a path and everything below it, and act as none by it. A parent must be closed to others. Follows no
 * link.
 */
export async function openModes(path: string, searchPath: string): Promise<void> {
  const argv = ['chmod', '--recursive', '--', 'a+rwX,u-s,g-s', path] as const;
  await runAsRoot(argv, searchPath, `Could not open \`${path}\``);
}

async function runAsRoot(
  argv: readonly [string, ...string[]],
  searchPath: string,
  failure: string,
): Promise<void> {
  const mark = newMark('hand-over');
  const { ending, tail } = await runCommand({
    argv,
    cwd: '/',
    env: { PATH: searchPath, LANG: 'C.UTF-8', [OWNER_VARIABLE]: mark },
    totalMs: CHOWN_TIMEOUT_MS,
    tree: markedTree(mark),
  });
  if (ending.kind === 'exited' && ending.exitCode === 0) return;
  throw new ChooError('environment', `${failure}: ${tail.trim() || ending.kind}`);
}
