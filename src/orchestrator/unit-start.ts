import type { UnitRecord } from '../events/store.ts';
import { mergeCommits } from '../git/merge.ts';
import { rebaseCommits } from '../git/rebase.ts';
import { retainCommit } from '../git/retained.ts';
import { findTree, replaceFiles, treeOf } from '../git/objects/tree-object.ts';
import type { Repository } from '../git/repository.ts';
import { findLateWork } from './late-commits.ts';
import { findBase, type StartServices } from './unit-base.ts';
import type { UnitStartInput, UnitStart, Dependency } from './unit-start-input.ts';

/**
 * Finds where a unit's work starts. Its branch belongs to (target, project, unit), not to a run: with the same key, work
 * continues at its head; with another key, or other heads of its dependencies, the base is merged into it. An unrecorded head
 * is taken over when it can be this run's own; otherwise it is never overwritten.
 */
export async function findStart(input: UnitStartInput, services: StartServices): Promise<UnitStart> {
  const { unit, target, directory, branch, branchHead, key, fresh } = input;
  const { repository, store } = services;
  const record = await store.record(target, unit.id, directory);
  // Merged work is in the target, or in its history: its branch is finished, and starting over loses nothing, unless it was
  // merged while more was made.
  const isMerged = record?.outcome === 'merged' || record?.outcome === 'reverted';
  const head = fresh || isMerged ? undefined : await findHead(record, input, repository);
  if (head === undefined)
    return startFromBase(input, services, { keep: !(isMerged && (record?.verified ?? false)) });
  const expected = branchHead === undefined || [record?.head, record?.committed].includes(branchHead);
  const late = expected || record === undefined ? [] : await findLateWork(input, record, head, repository);
  if (record === undefined || late === undefined)
    return {
      kind: 'impossible',
      failure: 'needs-human',
      message: `the branch \`${branch}\` stands at ${head.slice(0, 12)}, a commit that choo did not make`,
      hint: `look at it with \`git log ${branch}\`; \`${input.startOver}\` starts over and keeps it under choo/old`,
      head,
    };
  const { base, builtOn } = record;
  const tasks = [...new Set([...record.tasks, ...late])].sort((a, b) => a - b);
  const isNewWork = record.key !== key;
  const start: UnitStart =
    isNewWork || !sameHeads(builtOn, headsOf(input.dependencies))
      ? await takeNewBase(input, { head, since: base, tasks: isNewWork ? undefined : tasks }, services)
      : { kind: 'start', base, builtOn, start: head, pushed: branchHead, claimedComplete: tasks };
  return expected || start.kind === 'impossible' ? start : { ...start, takenOver: true };
}

/** The newest commit of the unit's work; undefined when there is none. */
async function findHead(
  record: UnitRecord | undefined,
  { key, branchHead }: UnitStartInput,
  { reader }: Repository,
): Promise<string | undefined> {
  // Recorded and never pushed. A branch that was pushed and is gone was deleted on purpose.
  const unpushed = branchHead === undefined && record?.head === null && record.key === key;
  if (record !== undefined && (unpushed || branchHead === record.head)) {
    const [there] = await reader.info([record.committed]);
    if (there !== undefined) return record.committed;
  }
  return branchHead;
}

async function startFromBase(
  input: UnitStartInput,
  services: StartServices,
  { keep }: { readonly keep: boolean },
): Promise<UnitStart> {
  const { repository } = services;
  const { run, unit, branchHead, dependencies } = input;
  const base = await findBase(input, services);
  if (base.kind === 'impossible') return base;
  const { commit } = base;
  const start = {
    kind: 'start',
    base: commit,
    builtOn: headsOf(dependencies),
    start: commit,
    pushed: branchHead,
    claimedComplete: [],
  } as const;
  if (branchHead === undefined || !keep) return start;
  // Named after the head: starting over twice in a run keeps both, and a crash in between makes no duplicate.
  const kept = `choo/old/${run}.${branchHead.slice(0, 12)}/${unit.id}`;
  if ((await repository.branchHead(kept)) === undefined)
    await repository.publish(kept, branchHead, undefined);
  return { ...start, kept };
}

/** Whether the same work was verified before, on the same dependencies, and the branch still points to it. */
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

/** Work on an outdated base. */
interface OutdatedWork {
  readonly head: string;
  /** Its old base. */
  readonly since: string;
  /** The tasks it is said to complete; undefined: it was made for other specs than the approved ones. */
  readonly tasks: readonly number[] | undefined;
}

/**
 * Brings outdated work onto the new base: with a merge commit so that the branch moves forward, or by its own commits where
 * there may be none; then the old head is retained. Work for other specs gets the approved ones, and every task runs again.
 */
async function takeNewBase(
  input: UnitStartInput,
  { head, since, tasks }: OutdatedWork,
  services: StartServices,
): Promise<UnitStart> {
  const { repository } = services;
  const { unit, branch, branchHead, dependencies } = input;
  const base = await findBase(input, services);
  if (base.kind === 'impossible') return base;
  // Units share a task list: what those before this one ticked in it stands in the base only.
  const approved = unit.source === undefined ? input.commit : base.commit;
  const take = async (onto: string): Promise<string> =>
    tasks === undefined ? commitApprovedSpecs(input, { onto, of: approved }, repository) : onto;
  // Before the merge, so that statuses on the branch cannot conflict with the approved specs. Ticks in a task list never do.
  const prepared = unit.source === undefined ? await take(head) : head;
  const subject = `Bring the base of ${unit.id} up to date`;
  const merge =
    input.stack === 'rebase'
      ? await rebaseCommits(repository, { head: prepared, since, onto: base.commit, subject })
      : await mergeCommits(repository, { into: prepared, from: base.commit, subject, since });
  if (merge.kind === 'rebased') await retainCommit(repository, head);
  if (merge.kind === 'conflict') {
    return {
      kind: 'impossible',
      failure: 'needs-human',
      message: `\`${branch}\` does not merge with its new base: ${merge.files.map((file) => `\`${file}\``).join(', ')}`,
      hint: `merge by hand on \`${branch}\`, or \`${input.startOver}\` to start over`,
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

/** Commits the unit's specs as they are in the commit `of`, unless they are there already. */
async function commitApprovedSpecs(
  { unit, directory }: UnitStartInput,
  { onto, of }: { readonly onto: string; readonly of: string },
  repository: Repository,
): Promise<string> {
  const path = directory + unit.directory;
  const specs = await findTree(repository.reader, await treeOf(repository.reader, of), path);
  if (specs === undefined) return onto;
  const before = await treeOf(repository.reader, onto);
  const tree = await replaceFiles(repository, before, new Map([[path, specs]]));
  if (tree === before) return onto;
  const subject = `Take the approved specs of ${unit.id}`;
  return repository.commit({ tree, parents: [onto], subject });
}
