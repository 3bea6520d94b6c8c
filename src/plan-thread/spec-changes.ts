import { CONFIG_FILES } from '../config/schema.ts';
import type { ObjectReader } from '../git/objects/object-reader.ts';
import { diffTrees, findFile, findTree, treeOf } from '../git/objects/tree-object.ts';

/** The files that choo reads and a push or pull request changes. */
export interface SpecChanges {
  readonly configuration: boolean;
  /** The names of the directories below the spec tree. */
  readonly units: ReadonlySet<string>;
}

/** Two commits to compare, and their spec directory. Without `before`, everything is new. */
export interface SpecChangesInput {
  readonly specsDir: string;
  readonly before: string | undefined;
  readonly after: string;
}

/** Compares two commits. Opens only the trees that differ. */
export async function findSpecChanges(
  reader: ObjectReader,
  { specsDir, before, after }: SpecChangesInput,
): Promise<SpecChanges> {
  const [old, now] = [
    before === undefined ? undefined : await treeOf(reader, before),
    await treeOf(reader, after),
  ];
  const at = async (tree: string | undefined, path: string) =>
    tree && (await findFile(reader, tree, path))?.id;
  const directory = async (tree: string | undefined) => tree && (await findTree(reader, tree, specsDir))?.id;
  let configuration = false;
  for (const path of CONFIG_FILES) configuration ||= (await at(old, path)) !== (await at(now, path));
  const [specsBefore, specsNow] = [await directory(old), await directory(now)];
  if (specsBefore === specsNow) return { configuration, units: new Set() };
  const changes = await diffTrees(reader, specsBefore, specsNow);
  return { configuration, units: new Set(changes.map(({ path }) => path.split('/')[0] ?? '')) };
}
