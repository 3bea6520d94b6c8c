import { LRUCache } from 'lru-cache';
import { ChooError } from '../../errors.ts';
import type { ObjectReader } from './object-reader.ts';
import { TREE } from './tree-format.ts';
import { itemsOf, treeOf } from './tree-object.ts';

/** What a tree becomes when it is checked out. */
export interface CheckoutSize {
  /** Files, links and directories. One that is in a tree twice counts twice. */
  readonly entries: number;
  /** Bytes of all files. */
  readonly bytes: number;
}

/**
 * The most that choo checks out or merges: 24 objects can unfold to a billion files. The largest repositories that are
 * worked on in one checkout have about 100,000.
 *
 * @internal
 */
export const MAX_CHECKOUT: CheckoutSize = { entries: 200_000, bytes: 4 * 1024 ** 3 };

/** Trees whose sizes are remembered: those of the newest commits of some repositories. */
const MAX_REMEMBERED_TREES = 50_000;

/** The most of tree objects that is read to measure one; those of 200,000 files take a tenth. Bytes. */
const MAX_TREE_BYTES = 128 * 1024 * 1024;

const NOTHING: CheckoutSize = { entries: 0, bytes: 0 };
/** Of what has more objects than may be entries, whose sizes nobody needs to know. */
const ENDLESS: CheckoutSize = { entries: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

/**
 * Measures what trees become when they are checked out. Works on objects: each is looked at once, however often it is in
 * a tree, and what was measured before is remembered, by its id, for any repository.
 *
 * @internal
 */
export class CheckoutSizes {
  readonly #known = new LRUCache<string, CheckoutSize>({ max: MAX_REMEMBERED_TREES });

  /** The size of a tree; infinite when it has more objects than {@link MAX_CHECKOUT} has entries. */
  async measure(reader: ObjectReader, tree: string): Promise<CheckoutSize> {
    const known = this.#known.get(tree);
    if (known !== undefined) return known;
    const opened = await this.#open(reader, tree);
    if (opened === undefined || opened.below.size + opened.files.size > MAX_CHECKOUT.entries) return ENDLESS;
    const { sizes, below, files } = opened;
    const ids = [...files];
    const infos = await reader.info(ids);
    for (const [index, id] of ids.entries()) sizes.set(id, { entries: 1, bytes: infos[index]?.size ?? 0 });
    return this.#add(tree, below, sizes);
  }

  /** Opens every tree below one that is not known yet; undefined when they are too many. */
  async #open(reader: ObjectReader, tree: string) {
    const sizes = new Map<string, CheckoutSize>();
    const below = new Map<string, readonly string[]>();
    const files = new Set<string>();
    let level = [tree];
    let bytes = 0;
    while (level.length > 0) {
      bytes += (await reader.info(level)).reduce((sum, info) => sum + (info?.size ?? 0), 0);
      if (bytes > MAX_TREE_BYTES || below.size + files.size > MAX_CHECKOUT.entries) return undefined;
      const contents = await reader.contents(level);
      const next = new Set<string>();
      for (const [index, id] of level.entries()) {
        const items = itemsOf(contents[index], id);
        below.set(
          id,
          items.map((item) => item.id),
        );
        for (const item of items) {
          if (item.mode !== TREE) {
            files.add(item.id);
            continue;
          }
          const known = this.#known.get(item.id);
          if (known !== undefined) sizes.set(item.id, known);
          else next.add(item.id);
        }
      }
      level = [...next].filter((id) => !below.has(id));
    }
    return { sizes, below, files };
  }

  /** Adds up from the smallest trees to the largest. No tree contains itself. */
  #add(
    tree: string,
    below: ReadonlyMap<string, readonly string[]>,
    sizes: Map<string, CheckoutSize>,
  ): CheckoutSize {
    const open = [tree];
    for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
      const items = below.get(id) ?? [];
      const waiting = sizes.has(id) ? [] : [...new Set(items)].filter((item) => !sizes.has(item));
      if (waiting.length > 0) {
        open.push(...waiting);
        continue;
      }
      open.pop();
      if (sizes.has(id)) continue;
      const size = items.reduce(
        (sum, item) => {
          const { entries, bytes } = sizes.get(item) ?? NOTHING;
          return { entries: sum.entries + entries, bytes: sum.bytes + bytes };
        },
        { entries: 1, bytes: 0 },
      );
      sizes.set(id, size);
      this.#known.set(id, size);
    }
    return sizes.get(tree) ?? NOTHING;
  }
}

/** Why a tree of this size is neither checked out nor merged, as a sentence without its subject; undefined: it is. */
export function describeExcess({ entries, bytes }: CheckoutSize): string | undefined {
  if (entries === Number.POSITIVE_INFINITY)
    return `has more than ${MAX_CHECKOUT.entries} files and directories, the most that choo checks out`;
  if (entries > MAX_CHECKOUT.entries)
    return `has ${entries} files and directories; choo checks out ${MAX_CHECKOUT.entries} at most`;
  if (bytes <= MAX_CHECKOUT.bytes) return undefined;
  return `has ${inGibibytes(bytes)} of files; choo checks out ${inGibibytes(MAX_CHECKOUT.bytes)} at most`;
}

function inGibibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 3)} GiB`;
}

const SIZES = new CheckoutSizes();

/** The size of a tree, as {@link CheckoutSizes} measures it. One measure serves all repositories. */
export async function measureCheckout(reader: ObjectReader, tree: string): Promise<CheckoutSize> {
  return SIZES.measure(reader, tree);
}

/** Throws a ChooError (`limit`) when a commit is too large to be checked out or merged. Costs nothing the second time. */
export async function refuseTooLarge(reader: ObjectReader, commit: string): Promise<void> {
  const excess = describeExcess(await measureCheckout(reader, await treeOf(reader, commit)));
  if (excess === undefined) return;
  throw new ChooError('limit', `the commit ${commit} ${excess}`, {
    hint: 'remove what no unit needs, or move it to a repository of its own',
  });
}
