import { TASK_LIST } from '../../discovery/formats/find-formats.ts';
import { mergeBoxes, withoutTick } from '../../discovery/formats/boxes.ts';
import { baseName } from '../../discovery/tree.ts';
import type { ObjectReader } from './object-reader.ts';
import type { ObjectWriter } from './object-writer.ts';
import { findFile, findTree, replaceFiles, type TreeFile } from './tree-object.ts';

/** A larger task list is not merged by its boxes. Bytes. */
const MAX_BYTES = 2 * 1024 * 1024;

/** The trees of a merge. */
interface MergedTrees {
  readonly base: string;
  readonly own: string;
  readonly other: string;
}

/**
 * Merges the task lists among files that conflict, where one side changed only boxes: units of one list tick theirs on branches of
 * their own. Returns the tree with what was merged, and the files that conflict still.
 */
export async function mergeTaskLists(
  { reader, writer }: { readonly reader: ObjectReader; readonly writer: ObjectWriter },
  { tree, files }: { readonly tree: string; readonly files: readonly string[] },
  sides: MergedTrees,
): Promise<{ readonly tree: string; readonly files: readonly string[] }> {
  const merged = new Map<string, TreeFile>();
  for (const path of files.filter(isTaskList)) {
    const found = await Promise.all(
      [sides.base, sides.own, sides.other].map(async (side) => findFile(reader, side, path)),
    );
    const present = found.filter((file) => file !== undefined);
    const infos = await reader.info(present.map(({ id }) => id));
    const isText = present.every(({ mode }) => mode.startsWith('100'));
    if (present.length < 3 || !isText || infos.some((info) => (info?.size ?? Infinity) > MAX_BYTES)) continue;
    const [base, own, other] = await reader.contents(present.map(({ id }) => id));
    const content = base && own && other && mergeBoxes(base, own, other);
    const mode = found[1]?.mode;
    if (content !== undefined && mode !== undefined)
      merged.set(path, { mode, id: await writer.blob(content) });
  }
  return {
    tree: merged.size === 0 ? tree : await replaceFiles({ reader, writer }, tree, merged),
    files: files.filter((path) => !merged.has(path)),
  };
}

/** Whether a directory of a tree holds a task list of another tool, and not a unit of choo's own. */
export async function hasTaskList(reader: ObjectReader, tree: string, path: string): Promise<boolean> {
  const directory = await findTree(reader, tree, path);
  return directory !== undefined && (await findFile(reader, directory.id, TASK_LIST)) !== undefined;
}

/** Whether a file is a task list of another tool, by its name. */
export function isTaskList(path: string): boolean {
  return baseName(path) === TASK_LIST;
}

/** A task list with every box empty. */
export function withoutTicks(text: string): string {
  return text.split('\n').map(withoutTick).join('\n');
}
