import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';

/** A program on this machine. */
export interface Executable {
  /** Its real path, without links. */
  readonly path: string;
  /** What must be readable for it to run: its file, or its package and what that depends on. */
  readonly readable: readonly string[];
}

/** Finds a program by its name on a search path, or by its absolute path. Undefined when no executable is found. */
export function findExecutable(name: string, searchPath: string): Executable | undefined {
  const found = findProgram(name, searchPath);
  if (found === undefined) return undefined;
  const path = realpathSync(found);
  return {
    path,
    get readable() {
      return installationOf(path);
    },
  };
}

/** The same, but the path under which it was found, which may be a link. */
export function findProgram(name: string, searchPath: string): string | undefined {
  const candidates = isAbsolute(name)
    ? [name]
    : searchPath
        .split(delimiter)
        .filter((directory) => isAbsolute(directory))
        .map((directory) => join(directory, name));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}

/** Packages beside a program's own that are shown one by one; where there are more, all beside them are. */
const MAX_PACKAGES = 16;

/**
 * The program's file alone, for what stands beside it may be anything. If it belongs to an npm package, that package and those it
 * depends on, wherever they are installed.
 */
function installationOf(path: string): readonly string[] {
  const own = packageOf(path);
  if (own === undefined) return [path];
  const all = outermost(own) ?? own;
  const found = new Set([own]);
  for (const each of found) {
    for (const name of dependenciesOf(each)) {
      const dependency = findPackage(name, each);
      if (dependency === undefined || [...found].some((other) => isIn(dependency, other))) continue;
      // Links between packages, as pnpm makes them, are found only where they stand.
      if (realpathSync(dependency) !== dependency) return [all];
      found.add(dependency);
    }
    if (found.size > MAX_PACKAGES) return [all];
  }
  return [...found];
}

/** The package that a program is in: an installed one, or one whose `bin` names it. */
function packageOf(path: string): string | undefined {
  const parts = path.split('/');
  const at = parts.lastIndexOf('node_modules');
  if (at >= 0) {
    const [first = ''] = parts.slice(at + 1);
    if (first.startsWith('.')) return outermost(path); // a script of pnpm in `.bin`
    return parts.slice(0, at + (first.startsWith('@') ? 3 : 2)).join('/');
  }
  for (let directory = dirname(path); directory !== '/'; directory = dirname(directory)) {
    const manifest = readManifest(directory);
    if (manifest === undefined) continue;
    const { bin } = manifest;
    const files: readonly unknown[] = typeof bin === 'object' ? Object.values(bin ?? {}) : [bin];
    const isOne = files.some((file) => typeof file === 'string' && resolve(directory, file) === path);
    return isOne ? directory : undefined;
  }
  return undefined;
}

function dependenciesOf(directory: string): readonly string[] {
  const { dependencies, optionalDependencies, peerDependencies } = readManifest(directory) ?? {};
  const names = [dependencies, optionalDependencies, peerDependencies].flatMap((all) =>
    Object.keys(all ?? {}),
  );
  return names.filter((name) => !name.split('/').some((part) => part.startsWith('.')));
}

/** Where Node finds a package from another one. */
function findPackage(name: string, from: string): string | undefined {
  for (let directory = from; directory !== '/'; directory = dirname(directory)) {
    const path = join(directory, 'node_modules', name);
    if (existsSync(path)) return path;
  }
  return undefined; // an optional one that is not installed
}

/** The outermost `node_modules` that a path is in. */
function outermost(path: string): string | undefined {
  const parts = path.split('/');
  const at = parts.indexOf('node_modules');
  return at < 0 ? undefined : parts.slice(0, at + 1).join('/');
}

interface Manifest {
  readonly bin?: unknown;
  readonly dependencies?: object;
  readonly optionalDependencies?: object;
  readonly peerDependencies?: object;
}

function readManifest(directory: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

function isIn(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
