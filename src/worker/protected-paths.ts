import { CONFIG_FILES } from '../config/schema.ts';
import type { ObjectReader } from '../git/objects/object-reader.ts';
import { findFile, treeOf } from '../git/objects/tree-object.ts';
import { PROVIDERS } from '../provider/by-name.ts';
import type { UnitJob } from './unit-job.ts';

/** Directories and files that control agents, reviews, builds and git, anywhere in the repository. */
const NAMES: ReadonlySet<string> = new Set([
  '.github',
  '.gitlab-ci.yml',
  'codeowners',
  '.npmrc',
  '.yarnrc',
  '.yarnrc.yml',
  '.husky',
  ...Object.values(PROVIDERS).flatMap(({ steeredBy }) => steeredBy.map((name) => name.toLowerCase())),
]);

/**
 * Creates the test for protected paths. `directory`: from the repository's root to the project. `files`: those that the unit's
 * gates name and that exist at the base.
 *
 * @internal
 */
export function createProtection({
  directory,
  specsDir,
  files,
}: {
  readonly directory: string;
  readonly specsDir: string;
  readonly files: ReadonlySet<string>;
}): (path: string) => boolean {
  const prefixes = [...[specsDir, ...CONFIG_FILES].map((path) => `${directory}${path}`), ...files];
  return (path) =>
    path.split('/').some((name) => NAMES.has(name.toLowerCase()) || name.toLowerCase().startsWith('.git')) ||
    prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}

/** The protected paths of a unit: {@link createProtection} with the files of its base. */
export async function findProtection(
  reader: ObjectReader,
  {
    directory,
    unit,
    base,
    config,
  }: Pick<UnitJob, 'directory' | 'base'> & {
    readonly unit: Pick<UnitJob['unit'], 'tasks'>;
    readonly config: Pick<UnitJob['config'], 'specs_dir'>;
  },
): Promise<(path: string) => boolean> {
  const files = await findGateFiles(reader, { directory, unit, base });
  return createProtection({ directory, specsDir: config.specs_dir, files });
}

/** The files that the gates of a unit name and that exist at its base. */
export async function findGateFiles(
  reader: ObjectReader,
  {
    directory,
    unit,
    base,
  }: Pick<UnitJob, 'directory' | 'base'> & { readonly unit: Pick<UnitJob['unit'], 'tasks'> },
): Promise<ReadonlySet<string>> {
  const gates = unit.tasks.map(({ gate }) => gate);
  const tree = await treeOf(reader, base);
  const files = new Set<string>();
  for (const path of pathsNamedBy(gates, directory))
    if ((await findFile(reader, tree, path)) !== undefined) files.add(path);
  return files;
}

/**
 * Every argument of the gates that may be a path, from the project directory. Most are not.
 *
 * @internal
 */
export function pathsNamedBy(gates: readonly string[], directory: string): readonly string[] {
  return [...new Set(gates.flatMap(argumentWords))].map((word) => `${directory}${word}`);
}

/** The words of a shell command that could be paths: the text between blanks, quotes, `=` and operators. */
function argumentWords(gate: string): readonly string[] {
  return gate
    .split(/[\s"'`=;&|<>(){}$,:]+/)
    .map((word) => word.replace(/^(?:\.\/)+/, '').replace(/(?<!\/)\/+$/, ''))
    .filter(
      (word) => word !== '' && word !== '.' && !word.startsWith('/') && !word.split('/').includes('..'),
    );
}
