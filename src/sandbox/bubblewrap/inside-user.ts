import { ChooError } from '../../errors.ts';
import { newMark, OWNER_VARIABLE } from '../../system/process-tree.ts';
import { markedTree } from '../process/marked-tree.ts';
import { runCommand } from '../process/runner.ts';

/**
 * Who runs inside when choo is root: a real user of the machine, so that the files of everybody else are closed to it,
 * with an id that no user and no package has. (Debian gives users ids up to 59999; 65534 is nobody's.)
 */
export const INSIDE_UID = 64_123;

const CHOWN_MS = 10 * 60_000;

/** Gives a path and all below it to a user; of links, the links themselves: one may have been planted. */
export async function giveTo(uid: number, path: string, searchPath: string): Promise<void> {
  const mark = newMark('hand-over');
  const { ending, tail } = await runCommand({
    argv: ['chown', '--recursive', '-P', '--no-dereference', '--', `${uid}:${uid}`, path],
    cwd: '/',
    env: { PATH: searchPath, LANG: 'C.UTF-8', [OWNER_VARIABLE]: mark },
    totalMs: CHOWN_MS,
    tree: markedTree(mark),
  });
  if (ending.kind === 'exited' && ending.exitCode === 0) return;
  throw new ChooError(
    'environment',
    `Could not give \`${path}\` to user ${uid}: ${tail.trim() || ending.kind}`,
  );
}
