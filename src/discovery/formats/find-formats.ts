import type { SpecTree } from '../tree.ts';
import { FORMATS, type FormatName } from './formats.ts';

/** The file of a directory that holds its tasks. */
export const TASK_LIST = 'tasks.md';

/** The formats that a project has task lists of, where their tools keep them. Two listings a format. */
export async function findFormats(tree: SpecTree): Promise<readonly FormatName[]> {
  const names = Object.keys(FORMATS) as FormatName[];
  const tops = await tree.list(names.map((name) => FORMATS[name].standardPath));
  const found: FormatName[] = [];
  for (const [index, name] of names.entries()) {
    const top = tops[index] ?? 'missing';
    if (typeof top === 'string') continue;
    const directories = top.filter(
      (entry) => entry.kind === 'directory' && !FORMATS[name].ignored.includes(entry.name),
    );
    const listings = await tree.list(directories.map((entry) => entry.path));
    const isHeld = listings.some(
      (listing) => typeof listing !== 'string' && listing.some((entry) => entry.name === TASK_LIST),
    );
    if (isHeld) found.push(name);
  }
  return found;
}
