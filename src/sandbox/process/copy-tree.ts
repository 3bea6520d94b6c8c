import { ChooError } from '../../errors.ts';
import { newMark, OWNER_VARIABLE } from '../../system/process-tree.ts';
import { markedTree } from './marked-tree.ts';
import { runCommand } from './runner.ts';

/** Time limit of a copy. Milliseconds. */
const COPY_TIMEOUT_MS = 10 * 60_000;

/** Copies a tree with everything that it is, sharing blocks where the file system can. Joins what is there. */
export async function copyTree(
  from: string,
  to: string,
  searchPath: string,
  { reflink = 'auto' }: { readonly reflink?: 'auto' | 'always' } = {},
): Promise<void> {
  const mark = newMark('copy');
  const { ending, tail } = await runCommand({
    argv: ['cp', '--archive', `--reflink=${reflink}`, '--no-target-directory', '--', from, to],
    cwd: '/',
    env: { PATH: searchPath, LANG: 'C.UTF-8', [OWNER_VARIABLE]: mark },
    totalMs: COPY_TIMEOUT_MS,
    tree: markedTree(mark),
  });
  if (ending.kind === 'exited' && ending.exitCode === 0) return;
  throw new ChooError('environment', `Could not copy \`${from}\`: ${tail.trim() || ending.kind}`);
}
