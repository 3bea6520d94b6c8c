import { LRUCache } from 'lru-cache';
import type { UnitRecord } from '../../events/store.ts';
import { isAncestor } from '../../git/ancestry.ts';
import { baseBranch } from '../../git/branches.ts';
import { mergeCommits } from '../../git/merge.ts';
import type { Repository } from '../../git/repository.ts';
import { findTheirs } from '../../git/objects/unit-specs.ts';
import type { UnitPull } from '../../store/github/unit-pulls.ts';
import type { StackWay } from '../repository/stack-way.ts';
import { coreOf, moveCore } from './base-branch.ts';
import type { MadeAgain, OpenDependency, Place } from './derive.ts';

/** Where places are looked for: the branches as they are, and the newest pull request of each unit. */
export interface PlaceScene {
  readonly repository: Repository;
  readonly targetHead: string;
  readonly heads: ReadonlyMap<string, string>;
  readonly pulls: ReadonlyMap<string, UnitPull>;
  readonly way: StackWay;
  /** Reads where the specs of a unit are, from the repository's root; undefined when that cannot be read. */
  readonly specsPath: (unit: string) => Promise<string | undefined>;
}

/** A place before its conflicts with a head are known. */
export interface FoundPlace extends Place {
  /** The work does not stand on it. */
  readonly isBehind: boolean;
}

/** Conflicts of two commits never change, so they are computed once. */
const conflictsOf = new LRUCache<string, Omit<Place, 'commit'>>({ max: 2_000 });
/** For the authors of conflicts: files and newest commits that are looked at, and names of each side. */
const MAX_FILES = 20;
const MAX_COMMITS = 100;
const MAX_AUTHORS = 5;

/** The place of a unit whose dependencies are all in the target. */
export async function findTargetPlace(
  { repository, targetHead: commit }: PlaceScene,
  { base }: UnitRecord,
): Promise<FoundPlace> {
  return { commit, isBehind: !(await isAncestor(repository, base, commit)), conflicts: [] };
}

/**
 * The place of a unit with one open dependency: its head, when its branch was replaced, so that the commit that the unit's work
 * stands on is in its history no more, and every gate has passed there. Undefined: the unit stays where it is.
 */
export async function findReplacedPlace(
  { repository, heads }: PlaceScene,
  { base }: UnitRecord,
  dependency: UnitRecord | undefined,
): Promise<FoundPlace | undefined> {
  const commit = dependency && heads.get(dependency.branch);
  if (commit === undefined || dependency?.head !== commit || !dependency.verified) return undefined;
  return (await isAncestor(repository, base, commit)) ? undefined : { commit, isBehind: true, conflicts: [] };
}

/** The core of a unit's base branch: the one that its work stands on, or a newer one when a dependency was merged. */
export async function findBasePlace(
  { repository, targetHead, heads, pulls, way }: PlaceScene,
  { base, branch }: UnitRecord,
  { open, moved }: { readonly open: readonly OpenDependency[]; readonly moved: readonly string[] },
): Promise<FoundPlace> {
  if (moved.length === 0) return { commit: base, isBehind: false, conflicts: [] };
  const tip = heads.get(baseBranch(branch));
  const core = tip === undefined ? undefined : await coreOf(repository, tip);
  const merges = moved.map((id) => pulls.get(id)?.mergeCommit ?? targetHead);
  const isNew =
    core !== undefined &&
    core !== base &&
    (await Promise.all(merges.map(async (merge) => isAncestor(repository, merge, core)))).every(Boolean);
  if (isNew) return { commit: core, isBehind: true, conflicts: [] };
  const others = open.flatMap((dependency) => heads.get(dependency.branch) ?? []);
  const next = await moveCore(repository, { core: base, heads: [targetHead, ...others], way });
  return next === undefined
    ? { commit: base, isBehind: false, conflicts: open.map((dependency) => dependency.branch) }
    : { commit: next, isBehind: true, conflicts: [] };
}

/** The newest commit that a head has in common with another one; that one where they have none, or there is no head. */
export async function findFork(
  { git }: Repository,
  head: string | undefined,
  commit: string,
): Promise<string> {
  if (head === undefined) return commit;
  const { yes, stdout } = await git.ask('merge-base', head, commit);
  return yes ? stdout.trim() : commit;
}

/**
 * Where a head stands that others made: after a rebase, by a person or in one of GitHub's own stacks, or after a merge of what it
 * goes to, `onto`. Undefined: it stands where the recorded one does, or choo has that one no more.
 */
export async function findMadeAgain(
  repository: Repository,
  { base, head: replaces }: Pick<UnitRecord, 'base'> & { readonly head: string },
  { head, onto }: { readonly head: string | undefined; readonly onto: string | undefined },
): Promise<MadeAgain | undefined> {
  if (head === undefined || onto === undefined || head === replaces) return undefined;
  const [known] = await repository.reader.info([replaces]);
  if (known === undefined) return undefined;
  const place = await findFork(repository, head, onto);
  if (!(await isAncestor(repository, base, head))) return { place, since: base, replaces, way: 'found' };
  // What was squashed is no merge of what is there: then the branch is brought up to date.
  const isFurther = place !== base && (await isAncestor(repository, base, place));
  return isFurther ? { place, since: base, replaces, way: 'merged' } : undefined;
}

/** The recorded head, when a push that was no fast-forward replaced it by `head`, and choo has it still. */
export async function findLostHead(
  repository: Repository,
  recorded: string,
  head: string | undefined,
): Promise<string | undefined> {
  if (head === undefined || head === recorded) return undefined;
  const [known] = await repository.reader.info([recorded]);
  return known === undefined || (await isAncestor(repository, recorded, head)) ? undefined : recorded;
}

/**
 * A place with its conflicts with the changes of a head since a commit, and their authors. Undefined `head`: one that choo did not
 * make, whose gates come first.
 */
export async function findPlace(
  { repository, way, specsPath }: PlaceScene,
  { commit, conflicts }: FoundPlace,
  { unit, head, since }: { readonly unit: string; readonly head: string | undefined; readonly since: string },
): Promise<Place> {
  if (head === undefined) return { commit, conflicts: [] };
  if (conflicts.length > 0) return { commit, conflicts, needsPerson: true, isOfBase: true };
  // What an agent makes is a merge.
  const more = way === 'rebase' ? { needsPerson: true } : {};
  const found = await findConflicts(repository, {
    head,
    place: commit,
    since,
    specsPath: async () => specsPath(unit),
  });
  return { commit, ...found, ...more };
}

async function findConflicts(
  repository: Repository,
  {
    head,
    place,
    since,
    specsPath,
  }: {
    readonly head: string;
    readonly place: string;
    readonly since: string;
    readonly specsPath: () => Promise<string | undefined>;
  },
): Promise<Omit<Place, 'commit'>> {
  const key = `${head} ${place} ${since}`;
  const known = conflictsOf.get(key);
  if (known !== undefined) return known;
  const commits = { into: head, from: place, subject: 'Try', since };
  let merge = await mergeCommits(repository, commits);
  if (merge.kind === 'conflict') {
    const path = await specsPath();
    const theirs = path && (await findTheirs(repository.reader, path, { since, onto: place }));
    if (theirs !== undefined) merge = await mergeCommits(repository, { ...commits, theirs });
  }
  const conflicts = merge.kind === 'conflict' ? merge.files : [];
  const authorsOf = async (to: string): Promise<readonly string[]> => {
    const options = ['--no-merges', `--max-count=${MAX_COMMITS}`, '--format=%an'];
    const range = [to, `^${since}`, '--', ...conflicts.slice(0, MAX_FILES)];
    const names = await repository.git.run('log', ...options, ...range);
    return [...new Set(names.split('\n').filter((name) => name !== ''))].slice(0, MAX_AUTHORS);
  };
  const found =
    conflicts.length === 0
      ? { conflicts }
      : { conflicts, authors: { own: await authorsOf(head), theirs: await authorsOf(place) } };
  conflictsOf.set(key, found);
  return found;
}
