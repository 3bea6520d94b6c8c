import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, sep } from 'node:path';

/** A program on this machine. */
export interface Executable {
  /** Its real path, without links. */
  readonly path: string;
  /** What must be readable for it to run: the `node_modules` of its package, or its directory. */
  readonly readable: readonly string[];
}

/** Finds a program by its name on a search path, or by its absolute path. Undefined when no executable is found. */
export function findExecutable(name: string, searchPath: string): Executable | undefined {
  const candidates = isAbsolute(name)
    ? [name]
    : searchPath
        .split(delimiter)
        .filter((directory) => isAbsolute(directory))
        .map((directory) => join(directory, name));
  for (const candidate of candidates) {
    try {
      if (!statSync(candidate).isFile()) continue;
      accessSync(candidate, constants.X_OK);
      const path = realpathSync(candidate);
      return { path, readable: [installationOf(path)] };
    } catch {
      continue;
    }
  }
  return undefined;
}

/** The outermost `node_modules`, through which npm packages find each other; else the program's directory. */
function installationOf(path: string): string {
  const parts = path.split(sep);
  const at = parts.indexOf('node_modules');
  return at < 0 ? dirname(path) : parts.slice(0, at + 1).join(sep);
}
