import { createHash } from 'node:crypto';
import { expandBraces } from '../../config/glob-braces.ts';
import { readGlob } from '../../config/glob.ts';
import { GITLINK, LINK } from '../../git/objects/tree-format.ts';
import { diffTrees, treeOf } from '../../git/objects/tree-object.ts';
import { MODULES_FILE } from '../../git/submodules/module-list.ts';
import type { GateServices, UnitJob } from '../unit-job.ts';

/** What the result of a set-up depends on, as keys of its snapshot. */
export interface SetUpKeys {
  /** By its inputs. Only a set-up of an approved commit may be kept under it. */
  readonly shared: string;
  /** By all files of its commit: what an agent wrote may have decided what this set-up does. */
  readonly own: string;
  /** Whether it says what it reads, and reads no links. */
  readonly isDeclared: boolean;
  /** How old a snapshot may be. Milliseconds. */
  readonly maxAgeMs: number;
}

const DAY_MS = 86_400_000;
/** Files that name exact versions: what set-up fetches by them does not change. */
const LOCK_FILES: ReadonlySet<string> = new Set([
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
  'bun.lockb',
  'deno.lock',
  'uv.lock',
  'poetry.lock',
  'pdm.lock',
  'Pipfile.lock',
  'Cargo.lock',
  'go.sum',
  'Gemfile.lock',
  'composer.lock',
  'mix.lock',
  'pubspec.lock',
  'gradle.lockfile',
  'packages.lock.json',
  'flake.lock',
]);

/** Finds the keys of a unit's set-up at a commit. The repository is not among them: each has a store of its own. */
export async function findSetUpKeys(
  { config, directory, setUpScope }: Pick<UnitJob, 'config' | 'directory' | 'setUpScope'>,
  { repository, sandbox, setUpSecrets = {} }: Pick<GateServices, 'repository' | 'sandbox' | 'setUpSecrets'>,
  commit: string,
): Promise<SetUpKeys> {
  const { setup } = config.worktree;
  const tree = await treeOf(repository.reader, commit);
  const inputs = await findInputs(config, directory, tree, repository);
  const environment = await sandbox.describe(setup.map(({ command }) => command));
  const secrets = Object.keys(setUpSecrets).sort(); // by name: a new value fetches the same
  const { submodules, lfs } = config.checkout;
  // The pointers among the files name the contents.
  const fetched = [...(submodules ? ['submodules'] : []), ...(lfs ? ['lfs'] : [])];
  const facts = ['set-up 1', setUpScope, directory, setup, config.env, environment, secrets, ...fetched];
  const names = inputs.paths.map((path) => path.slice(path.lastIndexOf('/') + 1));
  return {
    shared: hash([...facts, inputs.files ?? ['all', tree]]),
    own: hash([...facts, ['all', tree]]),
    isDeclared: inputs.files !== undefined,
    maxAgeMs: names.some((name) => LOCK_FILES.has(name)) ? 7 * DAY_MS : DAY_MS,
  };
}

/** The files that set-up reads, with their bytes; `files` undefined: it may read all. */
async function findInputs(
  { checkout, worktree: { setup } }: UnitJob['config'],
  directory: string,
  tree: string,
  { reader }: GateServices['repository'],
): Promise<{ readonly paths: readonly string[]; readonly files: unknown }> {
  const all = (await diffTrees(reader, undefined, tree)).flatMap(({ path, after }) =>
    after === undefined ? [] : [{ path, ...after }],
  );
  const ofProject = all.filter(({ path }) => path.startsWith(directory));
  if (setup.some(({ inputs }) => inputs === undefined))
    return { paths: ofProject.map(({ path }) => path), files: undefined };
  const patterns = setup.flatMap(({ inputs = [] }) => inputs);
  const globs = patterns.map((pattern) => readGlob(pattern));
  const named = new Set(
    setup.flatMap(({ command, if: condition }) => [
      ...command.split(/[\s;&|()<>"'`$={}]+/).map((word) => word.replace(/^(?:\.\/)+/, '')),
      ...(condition === undefined ? [] : [condition]),
    ]),
  );
  // What is ignored decides what a set-up leaves behind, and attributes which bytes it finds.
  const isInput = (path: string): boolean =>
    /(?:^|\/)\.git(?:ignore|attributes)$/.test(path) ||
    (path.startsWith(directory) &&
      (named.has(path.slice(directory.length)) || isMatch(path.slice(directory.length), globs)));
  const inputs = all.filter(
    ({ path, mode }) => isInput(path) || (checkout.submodules && (mode === GITLINK || path === MODULES_FILE)),
  );
  const paths = inputs.map(({ path }) => path);
  const namedWays = new Set([...named].flatMap(waysTo));
  const globsOfWays = patterns.flatMap(waysOfPattern).map((pattern) => readGlob(pattern));
  const isOnTheWay = (path: string): boolean => namedWays.has(path) || isMatch(path, globsOfWays);
  // Where a link leads, other bytes are read.
  const links = ofProject.filter(({ mode }) => mode === LINK);
  if (
    inputs.some(({ mode }) => mode === LINK) ||
    links.some(({ path }) => isOnTheWay(path.slice(directory.length)))
  )
    return { paths, files: undefined };
  const contents = await reader.contents(inputs.map(({ id }) => id));
  const files = inputs.map(({ path, mode, id }, index) => [path, mode, hash(contents[index] ?? id)]);
  return { paths, files };
}

/** What cannot be read matches everything. */
function isMatch(path: string, globs: readonly ReturnType<typeof readGlob>[]): boolean {
  return globs.some((glob) => 'fault' in glob || glob.matches(path));
}

/** The directories on the way to what a pattern names, as patterns. Who searches with `**` follows no links. */
function waysOfPattern(pattern: string): readonly string[] {
  const expanded = expandBraces(pattern);
  return 'fault' in expanded ? ['**'] : expanded.alternatives.flatMap(waysTo);
}

function waysTo(path: string): readonly string[] {
  const names = path.split('/').slice(0, -1);
  const end = names.indexOf('**');
  const directories = end === -1 ? names : names.slice(0, end);
  return directories.map((_, index) => directories.slice(0, index + 1).join('/'));
}

function hash(value: unknown): string {
  const bytes = Buffer.isBuffer(value) ? value : JSON.stringify(value);
  return createHash('sha256').update(bytes).digest('hex');
}
