import type { Unit } from '../discovery/unit.ts';
import type { Failure } from '../events/event.ts';
import { mergeCommits } from '../git/merge.ts';
import { commitText } from '../git/commit.ts';
import type { Repository } from '../git/repository.ts';
import { findTree, replaceFiles, treeOf } from '../git/tree-object.ts';
import type { Store, UnitRecord } from '../store/store.ts';

/** A dependency that is complete, and where its work is. */
export interface Dependency {
  readonly id: string;
  readonly head: string;
}

/** What is asked: where does the work on a unit start? */
export interface StartQuestion {
  readonly run: string;
  readonly unit: Pick<Unit, 'id' | 'directory'>;
  readonly key: string;
  readonly target: string;
  readonly branch: string;
  /** Where the branch stands; undefined: there is none. */
  readonly branchHead: string | undefined;
  /** The commit of the approved specs. */
  readonly commit: string;
  /** From the repository's root to the project; empty, or with a slash at its end. */
  readonly directory: string;
  readonly dependencies: readonly Dependency[];
  /** Start over, whatever is there. */
  readonly fresh: boolean;
}

export type UnitStart =
  | {
      readonly kind: 'start';
      readonly base: string;
      readonly start: string;
      readonly pushed: string | undefined;
      readonly claimedComplete: readonly number[];
      /** Where an old head was kept. */
      readonly kept?: string;
    }
  | {
      readonly kind: 'impossible';
      readonly failure: Failure;
      readonly message: string;
      readonly hint: string;
      readonly head: string | null;
    };

interface Services {
  readonly repository: Repository;
  readonly store: Pick<Store, 'record' | 'forget'>;
}

/**
 * Where the work on a unit starts. Its branch belongs to (target, unit), not to a run: with the same key, work goes on
 * where it was; with another key the base is merged into the branch and the approved specs are taken; a head that choo
 * did not make is nobody's to overwrite.
 */
export async function findStart(question: StartQuestion, services: Services): Promise<UnitStart> {
  const { unit, target, branch, branchHead, fresh } = question;
  const { repository, store } = services;
  const base = await findBase(question, repository);
  if (base.kind === 'impossible') return base;
  const anew = { kind: 'start', base: base.commit, start: base.commit, claimedComplete: [] } as const;
  if (branchHead === undefined) {
    await store.forget(target, unit.id);
    return { ...anew, pushed: undefined };
  }
  if (fresh) {
    const kept = `choo/old/${question.run}/${unit.id}`;
    if ((await repository.branchHead(kept)) === undefined)
      await repository.publish(kept, branchHead, undefined);
    await store.forget(target, unit.id);
    return { ...anew, pushed: branchHead, kept };
  }
  const record = await store.record(target, unit.id);
  if (record === undefined || (branchHead !== record.head && branchHead !== record.committed)) {
    return {
      kind: 'impossible',
      failure: 'needs-human',
      message: `the branch \`${branch}\` stands at ${branchHead.slice(0, 12)}, a commit that choo did not make`,
      hint: `look at it with \`git log ${branch}\`; \`choo run --unit ${unit.id} --fresh\` starts over and keeps it under choo/old`,
      head: branchHead,
    };
  }
  if (record.key !== question.key) return takeNewSpecs(question, base.commit, branchHead, repository);
  return {
    kind: 'start',
    base: record.base,
    start: record.committed,
    pushed: branchHead,
    claimedComplete: record.tasks,
  };
}

/** Whether the very same work was verified before, and its branch still shows it. */
export function isSatisfied(
  record: UnitRecord | undefined,
  key: string,
  branchHead: string | undefined,
): boolean {
  return record?.verified === true && record.key === key && record.head === branchHead;
}

type Base = { readonly kind: 'base'; readonly commit: string } | Extract<UnitStart, { kind: 'impossible' }>;

/** The approved commit with the heads of all dependencies merged, without a checkout. */
async function findBase(
  { unit, commit, dependencies }: StartQuestion,
  repository: Repository,
): Promise<Base> {
  let base = commit;
  const merged: Dependency[] = [];
  for (const dependency of dependencies) {
    const subject = `Bring ${dependency.id} into the base of ${unit.id}`;
    const merge = await mergeCommits(repository, { into: base, from: dependency.head, subject });
    if (merge.kind === 'conflict') {
      const other = await findOther(merged, dependency, repository);
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
async function findOther(
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

/** The branch with the base merged in and the unit's specs as they are approved; all its tasks start anew. */
async function takeNewSpecs(
  { unit, branch, directory, commit }: StartQuestion,
  base: string,
  branchHead: string,
  repository: Repository,
): Promise<UnitStart> {
  const path = directory + unit.directory;
  const specs = await findTree(repository.reader, await treeOf(repository.reader, commit), path);
  const take = async (onto: string, subject: string): Promise<string> => {
    const before = await treeOf(repository.reader, onto);
    const tree =
      specs === undefined ? before : await replaceFiles(repository, before, new Map([[path, specs]]));
    return tree === before ? onto : repository.writer.commit(commitText({ tree, parents: [onto], subject }));
  };
  // Before the merge, so that statuses written on the branch cannot conflict with what was approved.
  const prepared = await take(branchHead, `Take the approved specs of ${unit.id}`);
  const subject = `Bring the base of ${unit.id} up to date`;
  const merge = await mergeCommits(repository, { into: prepared, from: base, subject });
  if (merge.kind === 'conflict') {
    return {
      kind: 'impossible',
      failure: 'needs-human',
      message: `the specs changed, and \`${branch}\` does not merge with its new base: ${merge.files.map((file) => `\`${file}\``).join(', ')}`,
      hint: `merge by hand on \`${branch}\`, or \`choo run --unit ${unit.id} --fresh\` to start over`,
      head: branchHead,
    };
  }
  const start = await take(merge.commit, `Take the approved specs of ${unit.id}`);
  return { kind: 'start', base, start, pushed: branchHead, claimedComplete: [] };
}
