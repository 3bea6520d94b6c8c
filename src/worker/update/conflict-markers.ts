import type { ObjectReader } from '../../git/objects/object-reader.ts';
import { findFile } from '../../git/objects/tree-object.ts';

/** The result of resolving a conflict, and its two sides. Trees. */
interface ResolvedMerge {
  readonly result: string;
  readonly sides: readonly string[];
}

/** The lines that git writes around what it could not merge. */
const MARKER = /^(?:<{7} .*|\|{7} .*|={7}|>{7} .*)\r?$/gm;

/**
 * The files that have conflict markers left: lines that look like one, and are there more often than on both sides together. A
 * heading that is underlined by seven signs is on a side.
 */
export async function findLeftMarkers(
  reader: ObjectReader,
  files: readonly string[],
  { result, sides }: ResolvedMerge,
): Promise<readonly string[]> {
  const left: string[] = [];
  for (const path of files) {
    const now = await countMarkers(reader, result, path);
    const before = await Promise.all(sides.map(async (side) => countMarkers(reader, side, path)));
    const isLeft = [...now].some(
      ([line, count]) => count > before.reduce((sum, counts) => sum + (counts.get(line) ?? 0), 0),
    );
    if (isLeft) left.push(path);
  }
  return left;
}

async function countMarkers(
  reader: ObjectReader,
  tree: string,
  path: string,
): Promise<ReadonlyMap<string, number>> {
  const file = await findFile(reader, tree, path);
  const [content] = file?.mode.startsWith('100') === true ? await reader.contents([file.id]) : [];
  const counts = new Map<string, number>();
  for (const [line] of content?.toString('latin1').matchAll(MARKER) ?? [])
    counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}
