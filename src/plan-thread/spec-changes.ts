import { CONFIG_FILES, DEFAULT_CONFIG } from '../config/schema.ts';
import { specRoots } from '../config/spec-sources.ts';
import { FORMATS } from '../discovery/formats/formats.ts';
import type { ObjectReader } from '../git/objects/object-reader.ts';
import { diffTrees, findFile, findTree, treeOf } from '../git/objects/tree-object.ts';
import { configurationAt } from './effective-config.ts';

/** The files that choo reads and a push or pull request changes. */
export interface SpecChanges {
  readonly configuration: boolean;
  /**
   * The paths of the directories below those of specs that differ, and of one of those itself where a file in it does, such as one
   * that names gates of all units.
   */
  readonly directories: ReadonlySet<string>;
}

/** Two commits to compare, and the directories of specs. Without `before`, everything is new. */
export interface SpecChangesInput {
  readonly roots: readonly string[];
  readonly before: string | undefined;
  readonly after: string;
}

/** Compares two commits, also in the directories that the second one names itself. Opens only the trees that differ. */
export async function findSpecChanges(
  reader: ObjectReader,
  { roots, before, after }: SpecChangesInput,
): Promise<SpecChanges> {
  const [old, now] = [
    before === undefined ? undefined : await treeOf(reader, before),
    await treeOf(reader, after),
  ];
  const at = async (tree: string | undefined, path: string) =>
    tree && (await findFile(reader, tree, path))?.id;
  let configuration = false;
  for (const path of CONFIG_FILES) configuration ||= (await at(old, path)) !== (await at(now, path));
  const own = (await configurationAt(reader, after)).config ?? DEFAULT_CONFIG;
  const directories = new Set<string>();
  const all = new Set([...roots, ...specRoots(own)]);
  // Where nothing says what to read, a team that brings its files of another tool is told that they are understood.
  if (own.specs.length === 0 && (await findTree(reader, now, own.specs_dir)) === undefined)
    for (const { standardPath } of Object.values(FORMATS)) all.add(standardPath);
  for (const root of all) {
    const [specsBefore, specsNow] = await Promise.all(
      [old, now].map(async (tree) => tree && (await findTree(reader, tree, root))?.id),
    );
    if (specsBefore === specsNow) continue;
    for (const { path } of await diffTrees(reader, specsBefore, specsNow))
      directories.add(path.includes('/') ? `${root}/${path.slice(0, path.indexOf('/'))}` : root);
  }
  return { configuration, directories };
}

/** Whether a directory of specs is among those that changed. */
export function isChanged(directories: ReadonlySet<string>, directory: string): boolean {
  return directories.has(directory) || directories.has(directory.slice(0, directory.lastIndexOf('/')));
}
