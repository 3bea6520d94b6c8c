import {
  collectProblems,
  compareText,
  FILE_START,
  type Problem,
  type Problems,
} from '../problems/problem.ts';
import { DiscoveryCache, type CachedReading } from './discovery-cache.ts';
import type { ReadingBudget } from './front-matter-read.ts';
import type { ListedGate } from './formats/keep-tasks.ts';
import { findExcess, frontMatterBytes, MAX_MARKDOWN, MAX_YAML } from './tree-limits.ts';
import { checkTree } from './tree-rules.ts';
import { baseName, MAX_ENTRIES, type SpecTree, type TreeEntry, type Unlisted } from './tree.ts';
import { readUnit, selectUnitFiles, type UnitFiles } from './unit-reading.ts';
import type { SpecFile, Unit } from './unit.ts';

/** A directory that should be a unit but cannot run; the problems say why. */
export interface BrokenUnit {
  readonly id: string;
  readonly directory: string;
  /** As far as its plan could be read. */
  readonly dependsOn: readonly string[];
  /** Its plan and the provider that it names, when it could be read and names one. */
  readonly named?: { readonly provider: string; readonly plan: SpecFile };
}

/** The units and problems of a spec tree. */
export interface Discovery {
  /** Units that can run, by id. Their dependencies form no cycle; each is one of these or of `broken`. */
  readonly units: readonly Unit[];
  readonly broken: readonly BrokenUnit[];
  readonly problems: Problems;
  /** Every task of other tools with its gate, also of broken units; undefined: there are none. */
  readonly gates?: readonly ListedGate[];
}

/** The directories before anything is read: cached, to be read, or unlistable. */
interface LookedUp {
  readonly remembered: readonly CachedReading[];
  readonly unread: readonly Unread[];
  readonly unlistable: readonly Problem[];
  /** Whether they hold more entries than may be listed. */
  readonly overfull: boolean;
}

/** A directory whose selected files are still to be read. */
interface Unread {
  readonly directory: string;
  readonly version: string;
  readonly selected: UnitFiles;
  readonly files: number;
}

/**
 * Reads the spec tree below `root` and reports every unit and all problems at once; a broken unit hides no problem of
 * another. Never throws for the tree's content; rejects only when the tree itself fails (a git process that dies).
 *
 * Costs one listing of every directory (none if `cache` has its version), one read of every file not in `cache`, and then
 * linear time in units, files and dependencies.
 */
export async function discover(
  tree: SpecTree,
  root: string,
  cache = new DiscoveryCache(),
): Promise<Discovery> {
  // 1. The directories that may be units.
  const [top = 'missing'] = await tree.list([root]);
  if (typeof top === 'string') return discoverNothing(unlisted(top, root));
  const directories = top.filter((entry) => entry.kind === 'directory' && !entry.name.startsWith('.'));

  // 2. The cached ones, and listings of the others.
  const { remembered, unread, unlistable, overfull } = await lookUp(tree, directories, cache);
  if (overfull)
    return discoverNothing(
      findExcess(root, { files: MAX_ENTRIES + 1 }) ?? unlisted('too-many-entries', root),
    );

  // 3. Read and parse the others, unless the whole exceeds a limit.
  const read = await readUnits(tree, root, remembered, unread);
  if ('excess' in read) return discoverNothing(read.excess);
  const all = [...remembered, ...read.units].sort((a, b) => compareText(a.directory, b.directory));
  cache.keep(all);

  // 4. Check the rules between units.
  const readings = all.map((each) => each.reading).filter((reading) => reading !== undefined);
  const notUnits = all.filter((each) => each.reading === undefined).map((each) => baseName(each.directory));
  const between = checkTree(readings, new Set(notUnits));

  // 5. Separate units that can run from broken ones, and collect all problems.
  const units: Unit[] = [];
  const broken: BrokenUnit[] = [];
  for (const { id, directory, unit, plan } of readings) {
    if (unit !== undefined && !between.broken.has(id)) units.push(unit);
    else
      broken.push({
        id,
        directory,
        dependsOn: plan?.dependsOn ?? [],
        ...(plan?.provider === undefined ? {} : { named: { provider: plan.provider, plan: plan.file } }),
      });
  }
  const problems = [
    ...top.flatMap(strayLinks),
    ...unlistable,
    ...all.flatMap((each) => each.problems),
    ...between.problems,
  ];
  return { units, broken, problems: collectProblems(problems) };
}

/** Takes directories from the cache at their current version, and lists the others. */
async function lookUp(
  tree: SpecTree,
  directories: readonly TreeEntry[],
  cache: DiscoveryCache,
): Promise<LookedUp> {
  const remembered: CachedReading[] = [];
  const unread: Unread[] = [];
  const unlistable: Problem[] = [];
  const unlistedYet: TreeEntry[] = [];
  for (const entry of directories) {
    const known = entry.version === undefined ? undefined : cache.get(entry.path, entry.version);
    if (known === undefined) unlistedYet.push(entry);
    else remembered.push(known);
  }
  const listings = await tree.list(unlistedYet.map((entry) => entry.path));
  for (const [index, { path: directory, version: ownVersion }] of unlistedYet.entries()) {
    const listing = listings[index] ?? 'missing';
    if (typeof listing === 'string') {
      unlistable.push(unlisted(listing, directory));
      continue;
    }
    const version = ownVersion ?? versionOf(listing);
    const known = cache.get(directory, version);
    if (known !== undefined) remembered.push(known);
    else
      unread.push({
        directory,
        version,
        selected: selectUnitFiles(directory, listing),
        files: listing.length,
      });
  }
  return { remembered, unread, unlistable, overfull: listings.includes('too-many-entries') };
}

/** Reads what is not cached. Stops at the first limit that the whole exceeds. */
async function readUnits(
  tree: SpecTree,
  root: string,
  remembered: readonly CachedReading[],
  unread: readonly Unread[],
): Promise<{ readonly units: readonly CachedReading[] } | { readonly excess: Problem }> {
  const wanted = unread.flatMap((each) => each.selected.wanted);
  const files = sum(remembered, (each) => each.files) + sum(unread, (each) => each.files);
  const bytes = sum(remembered, (each) => each.bytes) + sum(wanted, (entry) => entry.size);
  const tooLarge = findExcess(root, { files, bytes });
  if (tooLarge !== undefined) return { excess: tooLarge };

  const contents = await tree.read(wanted);
  const frontMatter = sum(remembered, (each) => each.frontMatter) + sum(contents, frontMatterBytes);
  const tooMuch = findExcess(root, { frontMatter });
  if (tooMuch !== undefined) return { excess: tooMuch };

  const units: CachedReading[] = [];
  const budget: ReadingBudget = {
    yaml: MAX_YAML - sum(remembered, (each) => each.yaml),
    markdown: MAX_MARKDOWN - sum(remembered, (each) => each.markdown),
  };
  let items = sum(remembered, (each) => each.reading?.items ?? 0);
  let next = 0;
  for (const { directory, version, selected, files } of unread) {
    const own = contents.slice(next, next + selected.wanted.length);
    next += own.length;
    const before = { ...budget };
    const reading = selected.isUnit ? readUnit(directory, selected, own, budget) : undefined;
    items += reading?.items ?? 0;
    const excess = findExcess(root, { items, yaml: MAX_YAML - budget.yaml });
    if (excess !== undefined) return { excess };
    units.push({
      directory,
      version,
      reading,
      problems: reading?.problems ?? selected.problems,
      files,
      bytes: sum(selected.wanted, (entry) => entry.size),
      frontMatter: sum(own, frontMatterBytes),
      yaml: before.yaml - budget.yaml,
      markdown: before.markdown - budget.markdown,
    });
  }
  return { units };
}

/** The version of a plain directory: the versions of its direct entries. */
function versionOf(listing: readonly TreeEntry[]): string {
  return listing.map((entry) => `${entry.name}\0${entry.kind}\0${entry.version ?? ''}`).join('\0');
}

/** The discovery of a tree that cannot be read, for one reason. */
export function discoverNothing(problem: Problem): Discovery {
  return { units: [], broken: [], problems: collectProblems([problem]) };
}

const UNLISTED: Readonly<Record<Unlisted, readonly [message: string, hint: string]>> = {
  missing: [
    'there is no spec tree here',
    'write specs to `<unit>/IMPLEMENTATION_PLAN.md` and `<unit>/01-first-step.md` in it, or try `choo init`',
  ],
  symlink: ['symbolic links are not followed', 'put the directory itself here'],
  'not-a-directory': ['this is not a directory', 'name the directory that holds the units in `specs_dir`'],
  unreadable: ['the directory could not be read', 'check its permissions'],
  'too-many-entries': [`the directory has more than ${MAX_ENTRIES} entries`, 'keep only spec files in it'],
};

function unlisted(reason: Unlisted, directory: string): Problem {
  const [message, hint] = UNLISTED[reason];
  return { severity: 'error', code: `tree-${reason}`, message, file: directory, ...FILE_START, hint };
}

function strayLinks(entry: TreeEntry): readonly Problem[] {
  if (entry.kind !== 'symlink') return [];
  const message = 'symbolic links are not followed, so this is not read as a unit';
  return [
    {
      severity: 'warning',
      code: 'symlink',
      message,
      file: entry.path,
      ...FILE_START,
      hint: 'put the directory itself here',
    },
  ];
}

function sum<T>(items: readonly T[], measure: (item: T) => number): number {
  return items.reduce((total, item) => total + measure(item), 0);
}
