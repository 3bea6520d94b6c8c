/** Maximum paths in one notice. */
const MAX_PATHS = 10;

/** Paths in a notice: the first ones, and how many more there are. */
export function listPaths(paths: readonly string[]): string {
  const more = paths.length > MAX_PATHS ? ` and ${paths.length - MAX_PATHS} more` : '';
  return (
    paths
      .slice(0, MAX_PATHS)
      .map((path) => `\`${path}\``)
      .join(', ') + more
  );
}
