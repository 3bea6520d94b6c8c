import { ChooError } from '../../errors.ts';
import { compareText } from '../../problems/problem.ts';
import type { ObjectReader } from './object-reader.ts';
import type { ObjectWriter } from './object-writer.ts';
import { LINK, parseTreeObject, TREE, type TreeItem } from './tree-format.ts';

/** The file, link or gitlink at a path. */
export interface TreeFile {
  readonly mode: string;
  readonly id: string;
}

/** A path that differs between two trees. Undefined where it is missing. */
export interface Change {
  readonly path: string;
  readonly before: TreeFile | undefined;
  readonly after: TreeFile | undefined;
}

/** The most paths that are listed of a tree: a few objects can unfold to a billion. */
const MAX_PATHS = 200_000;

function refuseEndless(paths: number): void {
  if (paths > MAX_PATHS)
    throw new ChooError('limit', `more than ${MAX_PATHS} paths of a tree would have to be looked at`);
}

/**
 * Lists the files, links and gitlinks that differ between two trees, by path. Opens only differing subtrees. Throws a
 * ChooError (`limit`) when there are more than 200,000 of them.
 */
export async function diffTrees(
  reader: ObjectReader,
  before: string | undefined,
  after: string | undefined,
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  const open: { path: string; before: string | undefined; after: string | undefined }[] = [
    { path: '', before, after },
  ];
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    if (pair.before === pair.after) continue;
    refuseEndless(changes.length + open.length);
    const [old, now] = await Promise.all([readItems(reader, pair.before), readItems(reader, pair.after)]);
    for (const name of new Set([...old.keys(), ...now.keys()])) {
      const [a, b] = [old.get(name), now.get(name)];
      if (a?.id === b?.id && a?.mode === b?.mode) continue;
      const path = pair.path === '' ? name : `${pair.path}/${name}`;
      const [treeBefore, treeAfter] = [treeId(a), treeId(b)];
      if (treeBefore !== undefined || treeAfter !== undefined)
        open.push({ path, before: treeBefore, after: treeAfter });
      const [fileBefore, fileAfter] = [file(a), file(b)];
      if (fileBefore !== undefined || fileAfter !== undefined)
        changes.push({ path, before: fileBefore, after: fileAfter });
    }
  }
  return changes.sort((a, b) => compareText(a.path, b.path));
}

/**
 * Maps the path of every link of a tree to the id of the object that holds its target. Throws a ChooError (`limit`) when
 * more than 200,000 directories would have to be opened.
 */
export async function listLinks(reader: ObjectReader, tree: string): Promise<ReadonlyMap<string, string>> {
  const links = new Map<string, string>();
  let level = [{ path: '', id: tree }];
  let seen = 0;
  while (level.length > 0) {
    seen += level.length;
    refuseEndless(seen + links.size);
    const contents = await reader.contents(level.map(({ id }) => id));
    level = level.flatMap(({ path, id }, index) => {
      const below: typeof level = [];
      for (const item of itemsOf(contents[index], id)) {
        const itemPath = path === '' ? item.name : `${path}/${item.name}`;
        if (item.mode === TREE) below.push({ path: itemPath, id: item.id });
        if (item.mode === LINK) links.set(itemPath, item.id);
      }
      return below;
    });
  }
  return links;
}

/** The tree id of a commit. */
export async function treeOf(reader: ObjectReader, commit: string): Promise<string> {
  const [content] = await reader.contents([commit]);
  const tree = /^tree ([0-9a-f]+)\n/.exec(content?.toString('latin1', 0, 80) ?? '')?.[1];
  if (tree === undefined) throw new ChooError('git', `\`${commit}\` is not a commit`);
  return tree;
}

/** The file at a path of a tree; undefined when there is none. */
export async function findFile(
  reader: ObjectReader,
  tree: string,
  path: string,
): Promise<TreeFile | undefined> {
  return file(await findItem(reader, tree, path));
}

async function findItem(reader: ObjectReader, tree: string, path: string): Promise<TreeItem | undefined> {
  return walkTo(async (id) => readItems(reader, id), tree, path);
}

/** What a tree has at a path, links not followed, by a function that reads the items of a tree by its id. */
export async function walkTo(
  read: (id: string) => Promise<ReadonlyMap<string, TreeItem>>,
  tree: string,
  path: string,
): Promise<TreeItem | undefined> {
  let item: TreeItem | undefined = { mode: TREE, name: '', id: tree };
  for (const name of path.split('/')) {
    if (item?.mode !== TREE) return undefined;
    item = (await read(item.id)).get(name);
  }
  return item;
}

/** The directory at a path of a tree, for {@link replaceFiles}; undefined when there is none. */
export async function findTree(
  reader: ObjectReader,
  tree: string,
  path: string,
): Promise<TreeFile | undefined> {
  const item = await findItem(reader, tree, path);
  return item?.mode === TREE ? { mode: TREE, id: item.id } : undefined;
}

/**
 * Replaces files in a tree, creating missing directories. Undefined: the file is removed, and each directory that is then empty.
 * Returns the new tree's id.
 */
export async function replaceFiles(
  objects: { readonly reader: ObjectReader; readonly writer: ObjectWriter },
  tree: string | undefined,
  files: ReadonlyMap<string, TreeFile | undefined>,
): Promise<string> {
  return objects.writer.tree(await replaceItems(objects, tree, files));
}

async function replaceItems(
  objects: Parameters<typeof replaceFiles>[0],
  tree: string | undefined,
  files: ReadonlyMap<string, TreeFile | undefined>,
): Promise<readonly TreeItem[]> {
  const items = await readItems(objects.reader, tree);
  const below = new Map<string, Map<string, TreeFile | undefined>>();
  for (const [path, file] of files) {
    const slash = path.indexOf('/');
    if (slash >= 0) {
      const name = path.slice(0, slash);
      const rest = below.get(name) ?? new Map<string, TreeFile | undefined>();
      below.set(name, rest.set(path.slice(slash + 1), file));
    } else if (file !== undefined) items.set(path, { ...file, name: path });
    else if (items.get(path)?.mode !== TREE) items.delete(path);
  }
  for (const [name, rest] of below) {
    const item = items.get(name);
    const removes = [...rest.values()].every((file) => file === undefined);
    if (removes && item?.mode !== TREE) continue; // nothing is there
    const left = await replaceItems(objects, treeId(item), rest);
    if (left.length === 0) items.delete(name);
    else items.set(name, { mode: TREE, name, id: await objects.writer.tree(left) });
  }
  return [...items.values()];
}

function treeId(item: TreeItem | undefined): string | undefined {
  return item?.mode === TREE ? item.id : undefined;
}

function file(item: TreeItem | undefined): TreeFile | undefined {
  return item === undefined || item.mode === TREE ? undefined : { mode: item.mode, id: item.id };
}

/** The items of a tree, by name; undefined: an empty one. */
export async function readItems(
  reader: ObjectReader,
  tree: string | undefined,
): Promise<Map<string, TreeItem>> {
  if (tree === undefined) return new Map();
  const [content] = await reader.contents([tree]);
  return new Map(itemsOf(content, tree).map((item) => [item.name, item]));
}

/** The items of a tree object. Throws a ChooError (`git`) when it is none. */
export function itemsOf(content: Buffer | undefined, tree: string): TreeItem[] {
  const items = content === undefined ? undefined : parseTreeObject(content, tree.length / 2);
  if (items === undefined) throw new ChooError('git', `\`${tree}\` is not a tree`);
  return items;
}
