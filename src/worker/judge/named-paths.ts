import { createPathMatcher, isTestPath } from '../../config/protection/protection.ts';
import { MAKEFILES, recipesIn, scriptIn } from '../../gates/builds.ts';
import { type NamedPath, readGateNames } from '../../gates/names.ts';
import type { TreeLookup } from '../../git/objects/tree-lookup.ts';
import { isStandardModule } from './standard-modules.ts';

/** What commands name of a commit, as paths from the root of the repository. */
export interface NamedPaths {
  /** Files, and the links that lead to them. */
  readonly files: ReadonlySet<string>;
  /** Whether a path that exists at the base is one of those files, or a test in a directory or pattern that they name. */
  readonly includes: (path: string) => boolean;
  /** Whether a new file takes the place of a module of Python's own for a program that they start. */
  readonly shadows: (path: string) => boolean;
  /** Directories in which Python looks for modules first, and those of the programs that they start. */
  readonly moduleDirectories: ReadonlySet<string>;
  readonly programDirectories: ReadonlySet<string>;
}

/** A larger script, manifest or Makefile is not read. Bytes. */
const MAX_BYTES = 256 * 1024;
/** Scripts in scripts that are followed. */
const MAX_DEPTH = 3;
/** Commands that are read, of gates and what they start. */
const MAX_COMMANDS = 500;
/** Names of scripts for a shell, and names that do not say. */
const SHELL_SCRIPT = /(?:\.(?:ba|k|z)?sh|(?:^|\/)[^./]+)$/;
const SHEBANG = /^#!.*\b(?:ba|da|k|z)?sh\b/;
/** What a script starts there is the code under work, more often than a judge. */
const CODE = /^(?:.*\/)?(?:src|lib|app|bin|cmd|pkg|internal)\//;

interface Open {
  readonly command: string;
  readonly directories: readonly string[];
  readonly depth: number;
}

/**
 * Finds what commands name at a commit: in any spelling, through links, and one step further where they start scripts: those of
 * `package.json`, targets of a Makefile, shell scripts. Of what is started so, only files count that are named one by one and do
 * not look like the code under work. `directory`: from the root to the project, empty or with a slash at its end.
 */
export async function findNamedPaths(
  base: TreeLookup,
  { commands, directory }: { readonly commands: readonly string[]; readonly directory: string },
): Promise<NamedPaths> {
  const root = directory.replace(/\/$/, '');
  const files = new Set<string>();
  const [directories, patterns, moduleDirectories] = [
    new Set<string>(),
    new Set<string>(),
    new Set<string>(),
  ];
  const open: Open[] = [...new Set(commands)].map((command) => ({ command, directories: [root], depth: 0 }));
  const seen = new Set<string>();

  const take = async ({ path, isStarted, mayBeDirectory }: NamedPath, depth: number): Promise<void> => {
    if (depth > 0 && !isStarted) return;
    if (path.includes('*') || /[?[{]/.test(path)) {
      if (depth === 0 && !/^\**$/.test(path)) patterns.add(path);
      return;
    }
    const found = await base.find(path);
    if (found === undefined) return;
    if (found.kind === 'file') {
      if (depth > 0 && isCode(found.path) && !isTestPath(found.path)) return;
      for (const each of [found.path, ...found.links]) files.add(each);
    } else if (depth === 0 && mayBeDirectory && found.path !== '' && found.path !== root) {
      directories.add(found.path);
      for (const link of found.links) files.add(link);
    }
  };

  for (let next = open.shift(); next !== undefined && seen.size < MAX_COMMANDS; next = open.shift()) {
    const { command, depth } = next;
    const key = `${next.directories.join(':')} ${command}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const names = readGateNames(command, next.directories);
    for (const path of names.paths) await take(path, depth);
    for (const each of names.moduleDirectories) moduleDirectories.add(each);
    if (depth >= MAX_DEPTH) continue;
    const follow = (text: string, ...from: readonly string[]): number =>
      open.push({ command: text, directories: from, depth: depth + 1 });
    for (const { directory: place, name } of names.scripts) {
      const manifest = await base.read(inside(place, 'package.json'), MAX_BYTES);
      const script = manifest === undefined ? undefined : scriptIn(manifest, name);
      if (script !== undefined) follow(script, place);
    }
    for (const { directory: place, files: named, targets } of names.makes) {
      for (const file of named.length > 0 ? named : MAKEFILES) {
        const text = await base.read(inside(place, file), MAX_BYTES);
        if (text === undefined) continue;
        const { commands: recipes, includes } = recipesIn(text, targets);
        for (const include of includes)
          await take({ path: inside(place, include), isStarted: true, mayBeDirectory: false }, depth + 1);
        for (const recipe of recipes) follow(recipe, place);
        if (named.length === 0) break;
      }
    }
    for (const { path, isStarted } of names.paths) {
      if (!isStarted || !SHELL_SCRIPT.test(path)) continue;
      const text = await base.read(path, MAX_BYTES);
      if (text !== undefined && (path.endsWith('sh') || SHEBANG.test(text)))
        follow(text, ...new Set([...next.directories, parentOf(path)]));
    }
  }

  const isIn = createPathMatcher([...patterns]);
  return {
    files,
    moduleDirectories,
    programDirectories: new Set([...files].map(parentOf)),
    includes: (path) =>
      isBelow(path, files) || (isTestPath(path) && (isBelow(path, directories) || isIn(path))),
    shadows: (path) => {
      const module = path.replace(/(?:\/__init__)?\.pyc?$/, '');
      if (module === path) return false;
      const place = parentOf(module);
      const isBeside = moduleDirectories.size > 0 && (moduleDirectories.has(place) || isTestPath(path));
      return isBeside && isStandardModule(module.slice(module.lastIndexOf('/') + 1));
    },
  };
}

/** Whether a path is in a directory where the code under work is, more often than a judge. */
export function isCode(path: string): boolean {
  return CODE.test(path);
}

/** Whether a path is one of these, or below one. */
function isBelow(path: string, places: ReadonlySet<string>): boolean {
  if (places.size === 0) return false;
  if (places.has(path)) return true;
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    if (places.has(path.slice(0, end))) return true;
  return false;
}

function inside(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}
