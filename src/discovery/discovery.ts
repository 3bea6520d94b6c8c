import {
  collectProblems,
  compareText,
  FILE_START,
  type Problem,
  type Problems,
} from '../problems/problem.ts';
import type { YamlBudget } from './front-matter-read.ts';
import { MAX_ENTRIES, type SpecTree, type TreeEntry, type Unlisted } from './tree.ts';
import { checkTree } from './tree-rules.ts';
import type { Unit } from './unit.ts';
import { readUnit, selectUnitFiles, type UnitFiles, type UnitReading } from './unit-reading.ts';

/** A tree with more spec files, or more bytes in them, is refused whole. */
const MAX_TREE_FILES = MAX_ENTRIES;
const MAX_TREE_BYTES = 64 * 1024 * 1024;
/** Fields and list items of all front matter together: what is kept of it, and what the checks walk. */
const MAX_TREE_ITEMS = 200_000;
/** Front matter of all files together, and that part of it which needs the YAML parser. */
const MAX_FRONT_MATTER_BYTES = 8 * 1024 * 1024;
const MAX_YAML_LENGTH = 1024 * 1024;

/** A directory that means to be a unit and is not fit to run; the problems say why. */
export interface BrokenUnit {
  readonly id: string;
  readonly directory: string;
  /** As far as its plan could be read. */
  readonly dependsOn: readonly string[];
}

/** Everything that can be known about a spec tree by reading it. */
export interface Discovery {
  /** Units fit to run, by id. Their dependencies form no cycle; each is one of these or one of `broken`. */
  readonly units: readonly Unit[];
  readonly broken: readonly BrokenUnit[];
  readonly problems: Problems;
}

/**
 * Remembers each unit's reading by the version of its directory, so that reading a tree again costs what changed. It
 * holds what the last discovery used and nothing older. One cache serves one spec tree's successive versions.
 */
export class DiscoveryCache {
  #readings: ReadonlyMap<string, Remembered> = new Map();

  /** The reading of a directory, if it was read at exactly this version. */
  recall(directory: string, version: string): Remembered | undefined {
    const found = this.#readings.get(directory);
    return found?.version === version ? found : undefined;
  }

  /** Replaces everything remembered. */
  keep(readings: Iterable<Remembered>): void {
    this.#readings = new Map(Array.from(readings, (each) => [each.directory, each]));
  }
}

/** One directory at one version: its reading, or undefined where it is no unit, and what it adds to the tree's size. */
interface Remembered {
  readonly directory: string;
  readonly version: string;
  readonly reading: UnitReading | undefined;
  readonly problems: readonly Problem[];
  readonly files: number;
  readonly bytes: number;
}

/** A directory whose files are selected and still to be read. */
interface Unread {
  readonly directory: string;
  readonly version: string;
  readonly selected: UnitFiles;
  readonly files: number;
}

/**
 * Reads the spec tree below `root`: every unit, and every problem at once. What is broken in one unit hides nothing of
 * another. Never throws for what the tree holds; rejects only when the tree itself fails (a git process that dies).
 *
 * Cost: one listing of every directory (none where a directory has a version that `cache` knows), one read of every
 * file not in `cache`, then linear in units, files and dependencies.
 */
export async function discover(
  tree: SpecTree,
  root: string,
  cache = new DiscoveryCache(),
): Promise<Discovery> {
  // 1. The directories that may be units.
  const [top = 'missing'] = await tree.list([root]);
  if (typeof top === 'string') return nothing(unlisted(top, root));
  const directories = top.filter((entry) => entry.kind === 'directory' && !entry.name.startsWith('.'));

  // 2. What the cache knows of them, and what is in the others.
  const remembered: Remembered[] = [];
  const unread: Unread[] = [];
  const unlistable: Problem[] = [];
  const unlistedYet: TreeEntry[] = [];
  for (const entry of directories) {
    const known = entry.version === undefined ? undefined : cache.recall(entry.path, entry.version);
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
    const version =
      ownVersion ?? listing.map((entry) => `${entry.name}\0${entry.kind}\0${entry.version ?? ''}`).join('\0');
    const known = cache.recall(directory, version);
    if (known === undefined)
      unread.push({
        directory,
        version,
        selected: selectUnitFiles(directory, listing),
        files: listing.length,
      });
    else remembered.push(known);
  }

  // 3. Refuse what is too large before reading any of it.
  const wanted = unread.flatMap((each) => each.selected.wanted);
  const files = sum(remembered, (each) => each.files) + sum(unread, (each) => each.files);
  const bytes = sum(remembered, (each) => each.bytes) + sum(wanted, (entry) => entry.size);
  if (files > MAX_TREE_FILES)
    return nothing(tooLarge(root, 'tree-too-many-files', `more than ${MAX_TREE_FILES} files`, files));
  if (bytes > MAX_TREE_BYTES)
    return nothing(tooLarge(root, 'tree-too-large', 'more than 64 MiB of spec files', bytes));

  // 4. Read and parse the rest.
  const contents = await tree.read(wanted);
  const frontMatter = sum(contents, frontMatterBytes);
  if (frontMatter > MAX_FRONT_MATTER_BYTES) {
    return nothing(
      tooLarge(root, 'tree-too-much-front-matter', 'more than 8 MiB of front matter', frontMatter),
    );
  }
  let next = 0;
  const budget: YamlBudget = { left: MAX_YAML_LENGTH };
  let items = sum(remembered, (each) => each.reading?.items ?? 0);
  for (const { directory, version, selected, files } of unread) {
    const own = contents.slice(next, next + selected.wanted.length);
    next += selected.wanted.length;
    const reading = selected.isUnit ? readUnit(directory, selected, own, budget) : undefined;
    const problems = reading?.problems ?? selected.problems;
    items += reading?.items ?? 0;
    if (budget.left < 0)
      return nothing(
        tooLarge(
          root,
          'tree-too-much-yaml',
          'more than 1 MiB of front matter that is not made of plain lines',
        ),
      );
    if (items > MAX_TREE_ITEMS) {
      return nothing(
        tooLarge(root, 'tree-too-many-items', `more than ${MAX_TREE_ITEMS} fields and list items`, items),
      );
    }
    remembered.push({
      directory,
      version,
      reading,
      problems,
      files,
      bytes: sum(selected.wanted, (entry) => entry.size),
    });
  }
  remembered.sort((a, b) => compareText(a.directory, b.directory));
  cache.keep(remembered);

  // 5. What holds between units.
  const readings = remembered.map((each) => each.reading).filter((reading) => reading !== undefined);
  const notUnits = new Set(
    remembered.filter((each) => each.reading === undefined).map((each) => baseName(each.directory)),
  );
  const between = checkTree(readings, notUnits);

  const units: Unit[] = [];
  const broken: BrokenUnit[] = [];
  for (const { id, directory, unit, plan } of readings) {
    if (unit !== undefined && !between.broken.has(id)) units.push(unit);
    else broken.push({ id, directory, dependsOn: plan?.dependsOn ?? [] });
  }
  const problems = [
    ...top.flatMap(strayLinks),
    ...unlistable,
    ...remembered.flatMap((each) => each.problems),
    ...between.problems,
  ];
  return { units, broken, problems: collectProblems(problems) };
}

function nothing(problem: Problem): Discovery {
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

function tooLarge(root: string, code: string, what: string, got?: number): Problem {
  const hint = 'nothing of it was used; keep only spec files in the tree, or split it';
  return {
    severity: 'error',
    code,
    message: `the spec tree holds ${what}`,
    file: root,
    ...FILE_START,
    ...(got === undefined ? {} : { got: String(got) }),
    hint,
  };
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

/** How much of a file a parser will see: up to the line that closes the front matter, or nothing if none does. */
function frontMatterBytes(content: Uint8Array | undefined): number {
  if (content === undefined) return 0;
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return Math.max(0, bytes.indexOf('\n---', 3));
}

function sum<T>(items: readonly T[], measure: (item: T) => number): number {
  return items.reduce((total, item) => total + measure(item), 0);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
