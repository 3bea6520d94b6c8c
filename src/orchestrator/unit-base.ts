import type { UnitRecords } from '../events/store.ts';
import { isAncestor } from '../git/ancestry.ts';
import { type Merge, mergeCommits, mergeTrees } from '../git/merge.ts';
import type { Repository } from '../git/repository.ts';
import type { Dependency, UnitStart, UnitStartInput } from './unit-start-input.ts';

/** Services that find where a unit's work starts. */
export interface StartServices {
  readonly repository: Repository;
  readonly store: UnitRecords;
}

type Base =
  | { readonly kind: 'base'; readonly commit: string }
  | Extract<UnitStart, { readonly kind: 'impossible' }>;

/** Brings a dependency into a base. */
type Step = (base: string, dependency: Dependency, subject: string) => Promise<Merge>;

/** The approved commit with the work of all dependencies, without a checkout; see {@link UnitStartInput} for its history. */
export async function findBase(input: UnitStartInput, services: StartServices): Promise<Base> {
  const { unit, commit, dependencies, stack } = input;
  const { repository } = services;
  const isLinear = stack === 'rebase' && dependencies.length > 1;
  const held = isLinear ? await findHeld(input, services) : undefined;
  const step: Step =
    held === undefined
      ? async (into, { head: from }, subject) => mergeCommits(repository, { into, from, subject })
      : joinDependency(repository, held);
  // What holds most comes first, so that the others find themselves in it.
  const ordered = dependencies.toSorted((a, b) => sizeOf(held, b) - sizeOf(held, a));
  let base = commit;
  const merged: Dependency[] = [];
  for (const dependency of ordered) {
    const merge = await step(base, dependency, `Bring ${dependency.id} into the base of ${unit.id}`);
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

/** The heads of the units that the work of each dependency holds, directly or not, by dependency and unit. */
type Held = ReadonlyMap<string, ReadonlyMap<string, string>>;

async function findHeld(
  { dependencies, target, directory }: UnitStartInput,
  { store }: StartServices,
): Promise<Held> {
  const held = new Map<string, ReadonlyMap<string, string>>();
  for (const { id } of dependencies) {
    const heads = new Map<string, string>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { builtOn = {} } = (await store.record(target, next, directory)) ?? {};
      for (const [unit, head] of Object.entries(builtOn)) {
        if (heads.has(unit)) continue;
        heads.set(unit, head);
        open.push(unit);
      }
    }
    held.set(id, heads);
  }
  return held;
}

function sizeOf(held: Held | undefined, { id }: Dependency): number {
  return held?.get(id)?.size ?? 0;
}

/**
 * Brings dependencies into a base one after the other, each as one commit with a single parent. The histories do not tell which
 * of them holds another one's work then, so the records do.
 */
function joinDependency(repository: Repository, held: Held): Step {
  const there = new Map<string, string>();
  return async (base, { id, head }, subject) => {
    const known = there.get(id);
    for (const [unit, at] of [...(held.get(id) ?? []), [id, head] as const]) there.set(unit, at);
    if (known === head || (await isAncestor(repository, head, base))) return { kind: 'merged', commit: base };
    if (await isAncestor(repository, base, head)) return { kind: 'merged', commit: head };
    const [since] = known === undefined ? [] : await repository.reader.info([known]);
    const merge = await mergeTrees(repository, { into: base, from: head, ...(since && { since: known }) });
    if (merge.kind === 'conflict') return merge;
    return {
      kind: 'merged',
      commit: await repository.commit({ tree: merge.tree, parents: [base], subject }),
    };
  };
}

/** Finds the dependency that causes a conflict. */
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
