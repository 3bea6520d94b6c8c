import type { ObjectReader } from './object-reader.ts';
import { GITLINK, LINK, MAX_LINKS, MAX_TARGET_BYTES, TREE, type TreeItem } from './tree-format.ts';
import { readItems, walkTo } from './tree-object.ts';

/** What stands at a path of a tree, links followed. */
interface Found {
  readonly kind: 'file' | 'directory';
  /** Where it really is; empty: the root. */
  readonly path: string;
  readonly id: string;
  /** The links on the way, by path. */
  readonly links: readonly string[];
}

/** Finds paths in one tree, and reads each of its directories once. */
export interface TreeLookup {
  /** Undefined: there is nothing, a link leads out, or it is another repository. `links` are those that were followed. */
  readonly find: (path: string) => Promise<Found | undefined>;
  /** Whether a file or link stands at exactly this path; links are not followed. */
  readonly has: (path: string) => Promise<boolean>;
  /** The names in a directory, links not followed; empty where there is none. */
  readonly list: (directory: string) => Promise<readonly string[]>;
  /** The text of a file of at most so many bytes; undefined: there is none. */
  readonly read: (path: string, maxBytes: number) => Promise<string | undefined>;
}

/** Creates the {@link TreeLookup} of a tree. */
export function lookUpTree(reader: ObjectReader, tree: string): TreeLookup {
  const read = new Map<string, Promise<ReadonlyMap<string, TreeItem>>>();
  const itemsOf = async (id: string): Promise<ReadonlyMap<string, TreeItem>> => {
    let items = read.get(id);
    if (items === undefined) read.set(id, (items = readItems(reader, id)));
    return items;
  };
  const textOf = async (id: string, maxBytes: number): Promise<string | undefined> => {
    const [info] = await reader.info([id]);
    if (info?.type !== 'blob' || info.size > maxBytes) return undefined;
    const [content] = await reader.contents([id]);
    return content?.toString('utf8');
  };
  const root: TreeItem = { mode: TREE, name: '', id: tree };
  const at = async (path: string): Promise<TreeItem | undefined> =>
    path === '' ? root : walkTo(itemsOf, tree, path);
  const find = async (path: string): Promise<Found | undefined> => {
    const ahead = path.split('/').toReversed();
    const walked: { readonly name: string; readonly item: TreeItem }[] = [];
    const links: string[] = [];
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (walked.pop() === undefined) return undefined;
        continue;
      }
      const parent = walked.at(-1)?.item ?? root;
      const item = parent.mode === TREE ? (await itemsOf(parent.id)).get(name) : undefined;
      if (item === undefined || item.mode === GITLINK) return undefined;
      if (item.mode !== LINK) {
        walked.push({ name, item });
        continue;
      }
      links.push([...walked.map((each) => each.name), name].join('/'));
      const target = links.length > MAX_LINKS ? undefined : await textOf(item.id, MAX_TARGET_BYTES);
      if (target === undefined || target.startsWith('/')) return undefined;
      ahead.push(...target.split('/').toReversed());
    }
    const { mode, id } = walked.at(-1)?.item ?? root;
    const real = walked.map((each) => each.name).join('/');
    return { kind: mode === TREE ? 'directory' : 'file', path: real, id, links };
  };
  return {
    find,
    has: async (path) => {
      const item = await at(path);
      return item !== undefined && item.mode !== TREE;
    },
    list: async (directory) => {
      const item = await at(directory);
      return item?.mode === TREE ? [...(await itemsOf(item.id)).keys()] : [];
    },
    read: async (path, maxBytes) => {
      const found = await find(path);
      return found?.kind === 'file' ? textOf(found.id, maxBytes) : undefined;
    },
  };
}
