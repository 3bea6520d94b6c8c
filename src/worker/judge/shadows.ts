import { parse } from 'node:path/posix';
import type { TreeLookup } from '../../git/objects/tree-lookup.ts';
import type { Change } from '../../git/objects/tree-object.ts';
import type { Protection } from './protection.ts';

/** Endings of modules, in the order in which runtimes and bundlers look for them. */
const ENDINGS = ['.mjs', '.js', '.cjs', '.mts', '.ts', '.cts', '.jsx', '.tsx', '.json', '.node'];
/** Files of Python that name what is installed. */
const DEPENDENCIES = /^(?:requirements.*\.(?:txt|in)|pyproject\.toml|setup\.(?:cfg|py)|Pipfile)$/;
/** A larger file is not read. Bytes. */
const MAX_BYTES = 256 * 1024;

/**
 * Finds new files that take the place of a module for a program that a gate starts: of one that is installed in Python, where the
 * program's own directory comes first, or of one without its ending in JavaScript (`./lib` is `lib.js` before `lib/index.js`).
 * `changed`: all that differs from the base, by path.
 */
export async function findShadows(
  { base, named }: Pick<Protection, 'base' | 'named'>,
  added: readonly string[],
  changed: ReadonlyMap<string, Change>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of added) {
    const { directory, name } = split(path);
    const python = /^(?:(.+)\/)?([^/.]+)(?:\.py|\/__init__\.py)$/.exec(path);
    const [, place = '', module = ''] = python ?? [];
    const isPython =
      python !== null &&
      named.moduleDirectories.has(place) &&
      (await isInstalled(base, place, module)) &&
      !(await base.list(place)).some((each) => each === module || each === `${module}.py`);
    const isScript =
      named.programDirectories.has(directory) && (await isBefore(base, directory, name, changed));
    if (isPython || isScript) found.push(path);
  }
  return found;
}

/** Whether files of Python between a directory and the root name a dependency from which a module of this name comes. */
async function isInstalled(base: TreeLookup, directory: string, module: string): Promise<boolean> {
  const wanted = normal(module);
  const parts = directory === '' ? [] : directory.split('/');
  for (let length = parts.length; length >= 0; length -= 1) {
    const place = parts.slice(0, length).join('/');
    for (const name of await base.list(place)) {
      if (!DEPENDENCIES.test(name)) continue;
      const text = await base.read(place === '' ? name : `${place}/${name}`, MAX_BYTES);
      const words = (text ?? '').split(/[^\w.-]+/).map((word) => normal(word));
      if (words.includes(wanted)) return true;
    }
  }
  return false;
}

/** Names of packages are compared so: https://packaging.python.org/en/latest/specifications/name-normalization/ */
function normal(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

/** Whether a module is found before another one of its name that is there before and after. */
async function isBefore(
  base: TreeLookup,
  directory: string,
  name: string,
  changed: ReadonlyMap<string, Change>,
): Promise<boolean> {
  const { name: stem, ext } = parse(name);
  const rank = ENDINGS.indexOf(ext);
  if (rank === -1) return false;
  const stays = (each: string): boolean => {
    const change = changed.get(directory === '' ? each : `${directory}/${each}`);
    return change === undefined || change.after !== undefined;
  };
  for (const each of await base.list(directory)) {
    const other = parse(each);
    if (other.name === stem && ENDINGS.indexOf(other.ext) > rank && stays(each)) return true;
    if (each === stem && (await base.list(`${directory === '' ? '' : `${directory}/`}${stem}`)).some(isIndex))
      return true;
  }
  return false;
}

function isIndex(name: string): boolean {
  const { name: stem, ext } = parse(name);
  return stem === 'index' && ENDINGS.includes(ext);
}

function split(path: string): { readonly directory: string; readonly name: string } {
  const slash = path.lastIndexOf('/');
  return { directory: path.slice(0, Math.max(0, slash)), name: path.slice(slash + 1) };
}
