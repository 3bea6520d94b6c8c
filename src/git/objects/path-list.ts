import { encodeName } from './tree-format.ts';

/**
 * Paths as git reads them from a file, each ended by a NUL. Leaves out what lies below another: a path includes everything
 * below it, and git refuses one that no longer matches anything.
 */
export function listTops(paths: readonly string[]): Buffer {
  const all = new Set(paths);
  const tops = paths.filter((path) => !parentsOf(path).some((parent) => all.has(parent)));
  return Buffer.concat(tops.flatMap((path) => [encodeName(path), Buffer.of(0)]));
}

/** The names above a name with slashes, the shortest first: `a` and `a/b` of `a/b/c`. */
export function parentsOf(name: string): readonly string[] {
  const parts = name.split('/');
  return parts.slice(1).map((_, depth) => parts.slice(0, depth + 1).join('/'));
}
