import { ChooError } from '../errors.ts';
import { commitText } from './commit.ts';
import type { Repository } from './repository.ts';

export type Merge =
  | { readonly kind: 'merged'; readonly commit: string }
  /** Both heads stay as they are. */
  | { readonly kind: 'conflict'; readonly files: readonly string[] };

/**
 * Merges one commit into another without a checkout (git 2.38). Where one holds the other already, that one is the
 * answer and no commit is made. `subject` is the message of the commit. Throws a ChooError (`conflict`) when the two have
 * no history in common: what to keep of which, no merge can tell.
 */
export async function mergeCommits(
  repository: Repository,
  { into, from, subject }: { readonly into: string; readonly from: string; readonly subject: string },
): Promise<Merge> {
  const { yes: related, stdout: bases } = await repository.git.ask('merge-base', into, from);
  if (!related) {
    throw new ChooError('conflict', `the commits ${into} and ${from} have no history in common`, {
      hint: 'in a shallow clone, fetch the history that is missing: `git fetch --unshallow`',
    });
  }
  const base = bases.trim();
  if (base === from) return { kind: 'merged', commit: into };
  if (base === into) return { kind: 'merged', commit: from };
  const words = ['--write-tree', '-z', '--name-only', '--no-messages'];
  const { yes, stdout } = await repository.git.ask('merge-tree', ...words, into, from);
  const [tree = '', ...files] = stdout.split('\0').filter((part) => part !== '');
  if (!yes) return { kind: 'conflict', files };
  const commit = await repository.writer.commit(commitText({ tree, parents: [into, from], subject }));
  return { kind: 'merged', commit };
}
