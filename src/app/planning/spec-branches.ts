import { isOwnBranch } from '../../git/branches.ts';
import { findTree, treeOf } from '../../git/objects/tree-object.ts';
import type { SpecBranch } from '../../plan-thread/plan-commit.ts';
import type { RemoteRepository } from '../../orchestrator/server/remote-repositories.ts';

/** Branches that are compared: those with the newest commits. */
const MAX_BRANCHES = 100;
/** Older branches are taken for forgotten ones. */
const MAX_AGE_DAYS = 90;
/** Directories that are compared. */
const MAX_DIRECTORIES = 50;

/** The specs that a push or pull request changes. */
interface ChangedSpecs {
  readonly commit: string;
  /** Its branch. */
  readonly target: string;
  readonly defaultBranch: string;
  /** The directories of specs that it changes, from the repository's root. */
  readonly changed: ReadonlySet<string>;
}

/**
 * Finds the other branches that change the same directories of specs and are neither merged into the default branch nor part of this one's
 * history, or this one of theirs. The repository must have been fetched.
 */
export async function listSpecBranches(
  remote: RemoteRepository,
  { commit, target, defaultBranch, changed }: ChangedSpecs,
  signal: AbortSignal | undefined,
): Promise<readonly SpecBranch[]> {
  const { repository, branches } = remote;
  const main = await branches.fetchedHead(defaultBranch);
  if (changed.size === 0 || main === undefined) return [];
  const git = repository.git.until(signal);
  const listed = await git.run(
    'for-each-ref',
    `--no-merged=${main}`,
    `--no-merged=${commit}`,
    `--no-contains=${commit}`,
    '--sort=-committerdate',
    `--count=${MAX_BRANCHES}`,
    '--format=%(objectname) %(committerdate:unix) %(refname:lstrip=3)',
    'refs/remotes/origin',
  );
  const directories = [...changed].slice(0, MAX_DIRECTORIES);
  const specsAt = async (at: string): Promise<ReadonlyMap<string, string | undefined>> => {
    const { reader } = repository;
    const tree = await treeOf(reader, at);
    const found = directories.map(
      async (directory) => [directory, (await findTree(reader, tree, directory))?.id] as const,
    );
    return new Map(await Promise.all(found));
  };
  const [mine, merged] = [await specsAt(commit), await specsAt(main)];
  const colliding: SpecBranch[] = [];
  for (const line of listed.split('\n')) {
    const [head = '', date = '', branch = ''] = line.split(' ');
    const isForgotten = Number(date) < Date.now() / 1_000 - MAX_AGE_DAYS * 86_400;
    if (branch === '' || branch === target || branch === defaultBranch || isOwnBranch(branch) || isForgotten)
      continue;
    const theirs = await specsAt(head);
    const differing = directories.filter(
      (each) => theirs.get(each) !== merged.get(each) && theirs.get(each) !== mine.get(each),
    );
    if (differing.length === 0) continue;
    const { yes, stdout } = await git.ask('merge-base', main, head);
    const before = yes ? await specsAt(stdout.trim()) : undefined;
    for (const directory of differing)
      if (theirs.get(directory) !== before?.get(directory)) colliding.push({ directory, branch });
  }
  return colliding;
}
