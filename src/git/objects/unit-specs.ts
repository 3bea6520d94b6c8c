import type { ObjectReader } from './object-reader.ts';
import { hasTaskList, isTaskList, withoutTicks } from './task-lists.ts';
import { diffTrees, findTree, treeOf } from './tree-object.ts';

/** A field in which choo records progress: it says nothing of the work. */
const PROGRESS = /^(?:status|orch_[a-z_]*):/;
const FENCE = '---';

/**
 * Whether the specs of a unit at one commit are others than at another: any byte of its directory but the lines of the front
 * matter in which choo records progress, and ticks in the task list of another tool. `path`: the directory of the unit, from the repository's root.
 */
export async function haveSpecsChanged(
  reader: ObjectReader,
  path: string,
  [one, other]: readonly [string, string],
): Promise<boolean> {
  if (one === other) return false;
  const [before, after] = await Promise.all(
    [one, other].map(async (commit) => findTree(reader, await treeOf(reader, commit), path)),
  );
  for (const change of await diffTrees(reader, before?.id, after?.id)) {
    if (change.before === undefined || change.after === undefined) return true;
    const contents = await reader.contents([change.before.id, change.after.id]);
    const [old, now] = contents.map((content) =>
      withoutProgress(change.path, content?.toString('latin1') ?? ''),
    );
    if (old !== now || change.before.mode !== change.after.mode) return true;
  }
  return false;
}

function withoutProgress(path: string, text: string): string {
  if (isTaskList(path)) return withoutTicks(text);
  const lines = text.split('\n');
  const end =
    lines[0]?.trimEnd() === FENCE ? lines.findIndex((line, at) => at > 0 && line.trimEnd() === FENCE) : -1;
  return lines.filter((line, at) => at >= end || !PROGRESS.test(line)).join('\n');
}

/**
 * The directory of a unit's specs when a bring-up takes it from the new place as it is there, since they are others there than at
 * the old one; undefined: they are not, and only choo's progress in them is merged. A task list of another tool, which units share, is
 * merged like any file; see `mergeTaskLists`.
 */
export async function findTheirs(
  reader: ObjectReader,
  path: string,
  { since, onto }: { readonly since: string; readonly onto: string },
): Promise<string | undefined> {
  if (await hasTaskList(reader, await treeOf(reader, onto), path)) return undefined;
  return (await haveSpecsChanged(reader, path, [since, onto])) ? path : undefined;
}
