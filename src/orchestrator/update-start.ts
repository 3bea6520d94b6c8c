import { ChooError, messageOf } from '../errors.ts';
import { movesBranch, type UnitUpdate } from '../events/unit-update.ts';
import { mergeCommits } from '../git/merge.ts';
import { parseCommit } from '../git/objects/commit.ts';
import { isSameRebase, rebaseCommits } from '../git/rebase.ts';
import { retainCommit } from '../git/retained.ts';
import { treeOf } from '../git/objects/tree-object.ts';
import type { Repository } from '../git/repository.ts';
import { findTheirs } from '../git/objects/unit-specs.ts';
import { UNREACHABLE_MS } from '../worker/unit-branch.ts';
import { type UnitEnd, UnitStop } from '../worker/unit-job.ts';
import { listPaths } from '../text/list-paths.ts';

/** A unit branch to bring to its new place. */
export interface UpdateStart {
  readonly unit: string;
  /** The directory of its specs, from the repository's root. */
  readonly specs: string;
  readonly target: string;
  readonly branch: string;
  /** The branch's head; undefined when there is no branch. */
  readonly branchHead: string | undefined;
  readonly update: UnitUpdate;
}

/** Names of files in one event. */
const MAX_FILES = 100;

/** The first of many files, for an event. */
export function firstFiles(files: readonly string[]): readonly string[] {
  return files.slice(0, MAX_FILES);
}

/** A unit branch at its new place. `joined`: so many of its commits became one. */
export interface MovedBranch {
  readonly head: string;
  readonly joined: number;
  readonly way: NonNullable<UnitUpdate['onto']>['way'];
}

/**
 * Moves a unit branch as its update says, and returns the head to verify. The branch must be at the head that the update was
 * requested for, or at what an earlier claim of it pushed. Never merges twice, nor makes commits again twice; replaces only the
 * head that it made them from, which is retained. Throws a UnitStop.
 */
export async function moveBranch(
  start: UpdateStart,
  { repository, signal }: { readonly repository: Repository; readonly signal: AbortSignal },
): Promise<MovedBranch> {
  const { branch, branchHead, update } = start;
  const { head, onto } = update;
  if (onto === null || !movesBranch(update)) {
    if (branchHead === head) return { head, joined: 0, way: onto?.way };
    throw moveStop(start, branchHead);
  }
  const made = await makeHead(start, onto, repository);
  const isOurs = async (at: string): Promise<boolean> =>
    at === made.head || (await isSameMove(repository, [at, made.head], onto));
  if (branchHead !== undefined && (await isOurs(branchHead))) return { ...made, head: branchHead };
  if (branchHead !== head) throw moveStop(start, branchHead);
  signal.throwIfAborted();
  if (onto.way === 'rebase') await retainCommit(repository, head);
  return {
    ...made,
    head: await publishHead({ branch, commit: made.head, before: head }, repository, isOurs),
  };
}

/**
 * Pushes a commit to a unit branch, unless it is not at `before` any more. Returns the branch's head: `isOurs` says which commit
 * of an earlier claim is as good. Throws a UnitStop.
 */
export async function publishHead(
  { branch, commit, before }: { readonly branch: string; readonly commit: string; readonly before: string },
  repository: Repository,
  isOurs: (head: string) => Promise<boolean>,
): Promise<string> {
  try {
    await repository.publish(branch, commit, before);
    return commit;
  } catch (error) {
    if (!(error instanceof ChooError)) throw error;
    if (error.code === 'environment')
      throw new UnitStop({ kind: 'released', reason: error.message, until: Date.now() + UNREACHABLE_MS });
    if (error.code !== 'conflict') throw failed('needs-human', messageOf(error), { hint: error.hint });
    // Somebody was faster: an earlier claim of this update that was declared dead, or anyone else.
    await repository.branches.fetch();
    const now = await repository.branchHead(branch);
    if (now !== undefined && (await isOurs(now))) return now;
    throw moveStop({ branch }, now);
  }
}

/** The unit's work since its old place, brought onto the new one; the head itself when it contains that place already. */
async function makeHead(
  { unit, specs, target, branch, branchHead, update: { head } }: UpdateStart,
  { commit, since, builtOn, way }: NonNullable<UnitUpdate['onto']>,
  repository: Repository,
): Promise<MovedBranch> {
  const [known, ...places] = await repository.reader.info([head, commit, since]);
  if (known === undefined) throw moveStop({ branch }, branchHead);
  if (places.includes(undefined))
    throw failed('conflict', `the new place of \`${branch}\`, or its old one, is not in the remote any more`);
  const place = placeOf(builtOn, target);
  const subject = moveSubject(unit, place);
  const theirs = await findTheirs(repository.reader, specs, { since, onto: commit });
  const made =
    way === 'rebase'
      ? await rebaseCommits(repository, { head, since, onto: commit, subject, theirs })
      : await merging(repository, {
          into: head,
          from: commit,
          subject,
          since,
          theirs,
        });
  if (made.kind === 'rebased') return { head: made.commit, joined: made.joined, way };
  if (made.kind === 'merged') return { head: made.commit, joined: 0, way };
  throw failed('conflict', `\`${branch}\` does not merge with ${place}: ${listPaths(made.files)}`, {
    hint: `${way === 'rebase' ? 'rebase' : 'merge'} by hand on \`${branch}\`; its head and the new place are as they were`,
    files: firstFiles(made.files),
  });
}

/** What a unit's branch is brought up to date with, in a sentence. */
export function placeOf(builtOn: Readonly<Record<string, string>>, target: string): string {
  return Object.keys(builtOn).length === 0 ? `\`${target}\`` : 'what it depends on';
}

/** The subject of the merge commit of a bring-up. */
export function moveSubject(unit: string, place: string): string {
  return `Bring ${unit} up to date with ${place}`;
}

/** Commits without a common history do not merge: that is the unit's end, and no error of choo's. */
async function merging(...args: Parameters<typeof mergeCommits>): ReturnType<typeof mergeCommits> {
  try {
    return await mergeCommits(...args);
  } catch (error) {
    if (error instanceof ChooError && error.code === 'conflict')
      throw failed('conflict', error.message, { hint: error.hint });
    throw error;
  }
}

/** Whether two heads are the same move, whoever made it and when: a merge of the same parents into the same tree, or a rebase. */
async function isSameMove(
  repository: Repository,
  [one, other]: readonly [string, string],
  { commit, way }: NonNullable<UnitUpdate['onto']>,
): Promise<boolean> {
  if (way === 'rebase') return isSameRebase(repository, { one, other, onto: commit });
  const { reader } = repository;
  const [a, b] = await reader.contents([one, other]);
  if (a === undefined || b === undefined) return false;
  const [parents, others] = [parseCommit(a).parents, parseCommit(b).parents];
  if (parents.length !== 2 || parents.join() !== others.join()) return false;
  return (await treeOf(reader, one)) === (await treeOf(reader, other));
}

/** The end of an update whose branch is at another head. */
export function moveStop({ branch }: Pick<UpdateStart, 'branch'>, head: string | undefined): UnitStop {
  const where = head === undefined ? 'is gone' : `moved meanwhile, to ${head.slice(0, 12)}`;
  return failed('conflict', `\`${branch}\` ${where}`);
}

function failed(
  failure: 'conflict' | 'needs-human',
  message: string,
  more: Pick<Extract<UnitEnd, { kind: 'failed' }>, 'hint' | 'files'> = {},
): UnitStop {
  return new UnitStop({ kind: 'failed', failure, message, ...more });
}
