import type { UnitRecord, UnitRecords } from '../events/store.ts';
import { mergeCommits } from '../git/merge.ts';
import { commitText } from '../git/objects/commit.ts';
import { findTree, replaceFiles, treeOf } from '../git/objects/tree-object.ts';
import type { Repository } from '../git/repository.ts';
import { findLateWork } from './late-commits.ts';
import type { UnitStartInput, UnitStart, Dependency } from './unit-start-input.ts';

interface Services {
  readonly repository: Repository;
  readonly store: UnitRecords;
}

/**
 * Where the work on a unit starts. Its branch belongs to (target, project, unit), not to a run: with the same key, work goes on
 * where it was; with another key, or on other heads of its dependencies, the base is merged into the branch; a head that
 * choo did not record is taken over where it can be this run's own, and else nobody's to overwrite.
 */
export async function findStart(question: UnitStartInput, services: Services): Promise<UnitStart> {
  const { unit, target, directory, branch, branchHead, key, fresh } = question;
  const { repository, store } = services;
  const record = await store.record(target, unit.id, directory);
  // What was merged is in the target: its branch has come to its end, and nothing on it is lost.
  const isMerged = record?.outcome === 'merged';
  const head = fresh || isMerged ? undefined : await findHead(record, question, repository);
  if (head === undefined) return startFromBase(question, repository, { keep: !isMerged });
  const expected = branchHead === undefined || [record?.head, record?.committed].includes(branchHead);
  const late = expected || record === undefined ? [] : await findLateWork(question, record, head, repository);
  if (record === undefined || late === undefined)
    return {
      kind: 'impossible',
      failure: 'needs-human',
      message: `the branch \`${branch}\` stands at ${head.slice(0, 12)}, a commit that choo did not make`,
      hint: `look at it with \`git log ${branch}\`; \`${question.startOver}\` starts over and keeps it under choo/old`,
      head,
    };
  const { base, builtOn } = record;
  const tasks = [...new Set([...record.tasks, ...late])].sort((a, b) => a - b);
  const isNewWork = record.key !== key;
  const start: UnitStart =
    isNewWork || !sameHeads(builtOn, headsOf(question.dependencies))
      ? await mergeNewBase(question, { head, since: base, tasks: isNewWork ? undefined : tasks }, repository)
      : { kind: 'start', base, builtOn, start: head, pushed: branchHead, claimedComplete: tasks };
  return expected || start.kind === 'impossible' ? start : { ...start, takenOver: true };
}

/** The newest commit of the work that is there; undefined: there is none. */
async function findHead(
  record: UnitRecord | undefined,
  { key, branchHead }: UnitStartInput,
  { reader }: Repository,
): Promise<string | undefined> {
  // A commit that was recorded and never pushed. A branch that was there and is gone was taken away by somebody.
  const unpushed = branchHead === undefined && record?.head === null && record.key === key;
  if (record !== undefined && (unpushed || branchHead === record.head)) {
    const [there] = await reader.info([record.committed]);
    if (there !== undefined) return record.committed;
  }
  return branchHead;
}

async function startFromBase(
  question: UnitStartInput,
  repository: Repository,
  { keep }: { readonly keep: boolean },
): Promise<UnitStart> {
  const { run, unit, branchHead, dependencies } = question;
  const base = await findBase(question, repository);
  if (base.kind === 'impossible') return base;
  const { commit } = base;
  const anew = {
    kind: 'start',
    base: commit,
    builtOn: headsOf(dependencies),
    start: commit,
    pushed: branchHead,
    claimedComplete: [],
  } as const;
  if (branchHead === undefined || !keep) return anew;
  // One name for each head: whoever starts over twice in a run has two, and a crash in between makes no second one.
  const kept = `choo/old/${run}.${branchHead.slice(0, 12)}/${unit.id}`;
  if ((await repository.branchHead(kept)) === undefined)
    await repository.publish(kept, branchHead, undefined);
  return { ...anew, kept };
}

/** Whether the very same work was verified before, on the same dependencies, and its branch still shows it. */
export function isSatisfied(
  record: UnitRecord | undefined,
  key: string,
  branchHead: string | undefined,
  dependencies: readonly Dependency[],
): boolean {
  return (
    record?.verified === true &&
    record.key === key &&
    record.head === branchHead &&
    sameHeads(record.builtOn, headsOf(dependencies))
  );
}

function headsOf(dependencies: readonly Dependency[]): Readonly<Record<string, string>> {
  return Object.fromEntries(dependencies.map(({ id, head }) => [id, head]));
}

function sameHeads(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const ids = Object.keys(a);
  return ids.length === Object.keys(b).length && ids.every((id) => a[id] === b[id]);
}

type Base = { readonly kind: 'base'; readonly commit: string } | Extract<UnitStart, { kind: 'impossible' }>;

/** The approved commit with the heads of all dependencies merged, without a checkout. */
async function findBase(
  { unit, commit, dependencies }: UnitStartInput,
  repository: Repository,
): Promise<Base> {
  let base = commit;
  const merged: Dependency[] = [];
  for (const dependency of dependencies) {
    const subject = `Bring ${dependency.id} into the base of ${unit.id}`;
    const merge = await mergeCommits(repository, { into: base, from: dependency.head, subject });
    if (merge.kind === 'conflict') {
      const other = await findConflictingDependency(merged, dependency, repository);
      return {
        kind: 'impossible',
        failure: 'conflict',
        message: `${other} and \`${dependency.id}\` do not merge: ${merge.files.map((file) => `\`${file}\``).join(', ')}`,
        hint: 'let one of them depend on the other; both branches are kept as they are',
        head: null,
      };
    }
    base = merge.commit;
    merged.push(dependency);
  }
  return { kind: 'base', commit: base };
}

/** The dependency that a conflict is with. */
async function findConflictingDependency(
  merged: readonly Dependency[],
  dependency: Dependency,
  repository: Repository,
): Promise<string> {
  for (const other of merged) {
    const merge = await mergeCommits(repository, { into: other.head, from: dependency.head, subject: 'Try' });
    if (merge.kind === 'conflict') return `\`${other.id}\``;
  }
  return 'what is on the target branch';
}

/** Work that is not built on what it should be built on now. */
interface OutdatedWork {
  readonly head: string;
  /** The base it was built on. */
  readonly since: string;
  /** What it is said to hold; undefined: it is for other specs than now approved. */
  readonly tasks: readonly number[] | undefined;
}

/**
 * What was done since the old base, on the new one; for other specs, with the approved ones and every task to do. A merge
 * commit, so that the branch moves forward.
 */
async function mergeNewBase(
  question: UnitStartInput,
  { head, since, tasks }: OutdatedWork,
  repository: Repository,
): Promise<UnitStart> {
  const { unit, branch, branchHead, dependencies } = question;
  const base = await findBase(question, repository);
  if (base.kind === 'impossible') return base;
  const take = async (onto: string): Promise<string> =>
    tasks === undefined ? commitApprovedSpecs(question, onto, repository) : onto;
  // Before the merge, so that statuses written on the branch cannot conflict with what was approved.
  const prepared = await take(head);
  const subject = `Bring the base of ${unit.id} up to date`;
  const merge = await mergeCommits(repository, { into: prepared, from: base.commit, subject, since });
  if (merge.kind === 'conflict') {
    return {
      kind: 'impossible',
      failure: 'needs-human',
      message: `\`${branch}\` does not merge with its new base: ${merge.files.map((file) => `\`${file}\``).join(', ')}`,
      hint: `merge by hand on \`${branch}\`, or \`${question.startOver}\` to start over`,
      head,
    };
  }
  return {
    kind: 'start',
    base: base.commit,
    builtOn: headsOf(dependencies),
    start: await take(merge.commit),
    pushed: branchHead,
    claimedComplete: tasks ?? [],
  };
}

/** A commit with the unit's specs as they are approved; none is made where they are. */
async function commitApprovedSpecs(
  { unit, directory, commit }: UnitStartInput,
  onto: string,
  repository: Repository,
): Promise<string> {
  const path = directory + unit.directory;
  const specs = await findTree(repository.reader, await treeOf(repository.reader, commit), path);
  if (specs === undefined) return onto;
  const before = await treeOf(repository.reader, onto);
  const tree = await replaceFiles(repository, before, new Map([[path, specs]]));
  if (tree === before) return onto;
  const subject = `Take the approved specs of ${unit.id}`;
  return repository.writer.commit(commitText({ tree, parents: [onto], subject }));
}
