import { MAX_ENTRIES, type SpecTree, type TreeEntry, type Unlisted } from '../../discovery/tree.ts';
import { ChooError } from '../../errors.ts';
import type { Git } from '../git.ts';
import { describeExcess, measureCheckout } from './checkout-size.ts';
import type { ObjectReader } from './object-reader.ts';
import { LINK, parseTreeObject, TREE } from './tree-format.ts';

/** Larger than any tree object with {@link MAX_ENTRIES} names; larger ones are not opened. Bytes. */
const MAX_TREE_OBJECT_BYTES = 8 * 1024 * 1024;

/** Resolves a revision to a commit id. Throws a ChooError (`usage`) when there is none. */
export async function resolveCommit(git: Git, rev: string): Promise<string> {
  try {
    return (await git.run('rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`)).trim();
  } catch (cause) {
    throw new ChooError('usage', `there is no commit \`${rev}\` in ${git.directory}`, {
      hint: 'name a branch, a tag or a commit that `git rev-parse` knows',
      cause,
    });
  }
}

/**
 * Reads a commit without a checkout. Every listing and file is one request to the {@link ObjectReader}: walking by object
 * id opens only the requested trees, and a unit's tree id shows at once whether anything in it changed.
 */
export class CommitTree implements SpecTree {
  readonly label: string;
  readonly above: SpecTree['above'];
  readonly #reader: ObjectReader;
  /** The tree ids of directories seen so far. */
  readonly #trees: Map<string, string>;
  /** The id of the whole commit's tree. */
  readonly #root: string;

  /** `tree` is the id of the tree object at the empty path, `root` that of the whole commit's. */
  private constructor(
    reader: ObjectReader,
    { tree, root, label }: Record<'tree' | 'root' | 'label', string>,
    above?: SpecTree['above'],
  ) {
    this.above = above;
    this.#reader = reader;
    this.#root = root;
    this.label = label;
    this.#trees = new Map([['', tree]]);
  }

  /** Opens the commit with this id, seen from the directory `base` (empty: the repository's root). */
  static async open(reader: ObjectReader, commit: string, base = ''): Promise<CommitTree> {
    const [info] = await reader.info([commit]);
    const small = info?.type === 'commit' && info.size <= MAX_TREE_OBJECT_BYTES;
    const [content] = small ? await reader.contents([commit]) : [];
    const tree =
      content === undefined ? undefined : /^tree ([0-9a-f]+)\n/.exec(content.toString('latin1', 0, 80))?.[1];
    if (tree === undefined) throw new ChooError('git', `\`${commit}\` is not a commit`);
    const root = new CommitTree(reader, { tree, root: tree, label: commit });
    if (base === '') return root;
    const found = await root.#lookUp(base);
    if ('tree' in found)
      return new CommitTree(
        reader,
        { tree: found.tree, root: tree, label: commit },
        { tree: root, path: base },
      );
    throw new ChooError('usage', `there is no directory \`${base}\` in ${commit.slice(0, 12)}`);
  }

  async list(directories: readonly string[]): Promise<readonly (readonly TreeEntry[] | Unlisted)[]> {
    const lookups: TreeLookup[] = [];
    for (const directory of directories) lookups.push(await this.#lookUp(directory));
    const ids = [...new Set(lookups.flatMap((lookup) => ('tree' in lookup ? [lookup.tree] : [])))];
    const infos = new Map((await this.#reader.info(ids)).map((info, index) => [ids[index], info]));
    const small = ids.filter((id) => (infos.get(id)?.size ?? Infinity) <= MAX_TREE_OBJECT_BYTES);
    const contents = new Map(
      (await this.#reader.contents(small)).map((content, index) => [small[index], content]),
    );
    let left = MAX_ENTRIES; // one tree object may appear at thousands of paths
    const listings = lookups.map((lookup, index): TreeEntry[] | Unlisted => {
      if (!('tree' in lookup)) return lookup.unlisted;
      const content = contents.get(lookup.tree);
      if (content === undefined)
        return infos.get(lookup.tree) === undefined ? 'unreadable' : 'too-many-entries';
      if (left < 0) return 'too-many-entries';
      const entries = parseTree(content, directories[index] ?? '', lookup.tree.length / 2);
      left -= entries?.length ?? 0;
      return left < 0 ? 'too-many-entries' : (entries ?? 'unreadable');
    });
    return this.#withSizes(listings);
  }

  async read(files: readonly TreeEntry[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#reader.contents(files.map((file) => file.version ?? ''));
  }

  async excess(): Promise<string | undefined> {
    return describeExcess(await measureCheckout(this.#reader, this.#root));
  }

  async #withSizes(
    listings: readonly (TreeEntry[] | Unlisted)[],
  ): Promise<readonly (readonly TreeEntry[] | Unlisted)[]> {
    const blobs = new Set<string>();
    for (const listing of listings) {
      if (typeof listing === 'string') continue;
      for (const { kind, path, version } of listing) {
        if (kind === 'directory' && version !== undefined) this.#trees.set(path, version);
        if (kind === 'file' && version !== undefined) blobs.add(version);
      }
    }
    const infos = await this.#reader.info([...blobs]);
    const sizes = new Map(infos.filter((info) => info !== undefined).map((info) => [info.id, info.size]));
    return listings.map((listing) =>
      typeof listing === 'string'
        ? listing
        : listing.map((entry) =>
            entry.kind === 'file' ? { ...entry, size: sizes.get(entry.version ?? '') ?? 0 } : entry,
          ),
    );
  }

  /** Finds a directory's tree, walking down name by name when no listing has shown it yet. */
  async #lookUp(directory: string): Promise<TreeLookup> {
    const known = this.#trees.get(directory);
    if (known !== undefined) return { tree: known };
    const slash = directory.lastIndexOf('/');
    const [listing = 'missing'] = await this.list([slash < 0 ? '' : directory.slice(0, slash)]);
    if (typeof listing === 'string') return { unlisted: listing };
    const entry = listing.find((each) => each.name === directory.slice(slash + 1));
    if (entry === undefined) return { unlisted: 'missing' };
    if (entry.kind === 'symlink') return { unlisted: 'symlink' };
    if (entry.kind !== 'directory' || entry.version === undefined) return { unlisted: 'not-a-directory' };
    return { tree: entry.version };
  }
}

/** The id of a directory's tree object, or why it has none. */
type TreeLookup = { readonly tree: string } | { readonly unlisted: Unlisted };

function parseTree(content: Buffer, directory: string, idBytes: number): TreeEntry[] | undefined {
  const prefix = directory === '' ? '' : `${directory}/`;
  return parseTreeObject(content, idBytes, MAX_ENTRIES)?.map(({ mode, name, id }) => ({
    name,
    path: prefix + name,
    kind: kindOf(mode),
    size: 0,
    version: id,
  }));
}

function kindOf(mode: string): TreeEntry['kind'] {
  if (mode === TREE) return 'directory';
  if (mode === LINK) return 'symlink';
  return mode.startsWith('100') ? 'file' : 'other';
}
