import {
  createPathMatcher,
  findProtectionEntries,
  isCore,
  stricter,
} from '../../config/protection/protection.ts';
import type { ProtectionLevel } from '../../config/protection/entry.ts';
import { CONFIG_FILES } from '../../config/schema.ts';
import { specRoots } from '../../config/spec-sources.ts';
import type { ObjectReader } from '../../git/objects/object-reader.ts';
import { lookUpTree, type TreeLookup } from '../../git/objects/tree-lookup.ts';
import { type Change, treeOf } from '../../git/objects/tree-object.ts';
import type { UnitJob } from '../unit-job.ts';
import { isManifest } from './manifests.ts';
import { findNamedPaths, type NamedPaths } from './named-paths.ts';

/** What happens with a change to a path, and whether a task may allow itself the change by `may_change`. */
export interface PathVerdict {
  readonly level: ProtectionLevel;
  readonly mayAllow: boolean;
}

/** The rules for one unit's work. Paths are from the root of the repository. */
export interface Protection {
  /** `isAtBase`: whether a file stands there at the unit's base. Undefined: agents may change it. */
  readonly judge: (path: string, isAtBase: boolean) => PathVerdict | undefined;
  /** Whether the specs or the configuration of the project are there, of which choo changes the former itself. */
  readonly isSpec: (path: string) => boolean;
  /** Whether a task that may change these patterns may change a path. */
  readonly allows: (mayChange: readonly string[], path: string) => boolean;
  /** The base, to look for files there. */
  readonly base: TreeLookup;
  /** Where the programs are that gates, checks and set-up start. */
  readonly named: Pick<NamedPaths, 'moduleDirectories' | 'programDirectories'>;
}

type Rules = Pick<UnitJob['config'], 'specs_dir' | 'specs' | 'protect'>;

/**
 * Creates the rules from a repository's own, what its commands name, and the defaults. `directory`: from the repository's root to
 * the project.
 *
 * @internal
 */
export function createProtection({
  directory,
  config,
  ownSpecs,
  named,
  base,
}: {
  readonly directory: string;
  readonly config: Rules;
  /** The unit's own specs: a branch may keep them where the configuration in force does not look. */
  readonly ownSpecs?: string;
  readonly named: Omit<NamedPaths, 'files'>;
  readonly base: TreeLookup;
}): Protection {
  const specs = [...specRoots(config), ...(ownSpecs === undefined ? [] : [ownSpecs]), ...CONFIG_FILES].map(
    (path) => `${directory}${path}`,
  );
  const rules = config.protect.map(({ paths, level }) => ({ level, fits: createPathMatcher(paths) }));
  const inProject = (path: string): string | undefined =>
    path.startsWith(directory) ? path.slice(directory.length) : undefined;
  const matchers = new Map<string, (path: string) => boolean>();
  const isSpec = (path: string): boolean =>
    specs.some((each) => path === each || path.startsWith(`${each}/`));
  return {
    base,
    named,
    isSpec,
    judge: (path, isAtBase) => {
      if (isSpec(path) || isCore(path)) return { level: 'restore', mayAllow: false };
      const own = inProject(path);
      const rule = own === undefined ? undefined : rules.find(({ fits }) => fits(own));
      if (rule !== undefined) return judgeByRule(rule.level, path, isAtBase);
      // A manifest is judged by what changed in it.
      const isNamed = isAtBase ? named.includes(path) && !isManifest(path) : named.shadows(path);
      const entries = findProtectionEntries(path);
      if (entries.some(({ level }) => level === 'restore')) return { level: 'restore', mayAllow: false };
      if (isNamed) return { level: 'restore', mayAllow: true };
      const levels = entries.map(({ level }) => level);
      const level = isAtBase
        ? levels.reduce<ProtectionLevel | undefined>(stricter, undefined)
        : tellOfNew(path, levels.includes('ask'));
      return level === undefined ? undefined : { level, mayAllow: true };
    },
    allows: (mayChange, path) => {
      const own = inProject(path);
      if (mayChange.length === 0 || own === undefined) return false;
      const key = mayChange.join('\n');
      const matcher = matchers.get(key) ?? createPathMatcher(mayChange);
      matchers.set(key, matcher);
      return matcher(own);
    },
  };
}

function judgeByRule(level: ProtectionLevel, path: string, isAtBase: boolean): PathVerdict | undefined {
  if (level === 'restore') return { level, mayAllow: false };
  const found = isAtBase ? level : tellOfNew(path, false);
  return found === undefined ? undefined : { level: found, mayAllow: true };
}

/** A new file that a tool looks for by its name, or in a hidden directory of the root, is listed. */
function tellOfNew(path: string, isSought: boolean): ProtectionLevel | undefined {
  return isSought || path.startsWith('.') ? 'tell' : undefined;
}

/** Where a unit's rules come from. */
export interface ProtectedUnit extends Pick<UnitJob, 'directory' | 'base'> {
  readonly unit: Pick<UnitJob['unit'], 'tasks' | 'directory'>;
  readonly config: Rules & Pick<UnitJob['config'], 'baseline_checks' | 'services' | 'worktree'>;
}

/** The rules for a unit: {@link createProtection} with what its gates, checks and set-up name at its base. */
export async function findProtection(reader: ObjectReader, job: ProtectedUnit): Promise<Protection> {
  const { directory, unit, config } = job;
  const base = lookUpTree(reader, await treeOf(reader, job.base));
  const commands = [
    ...unit.tasks.map(({ gate }) => gate),
    ...config.baseline_checks.map(({ command }) => command),
    ...config.services.flatMap(({ command, ready }) => [command, ready]),
    ...[...config.worktree.setup, ...config.worktree.teardown].map(({ command }) => command),
  ];
  const named = await findNamedPaths(base, { commands, directory });
  return createProtection({ directory, config, ownSpecs: unit.directory, named, base });
}

/** Everything that the tasks of a unit may change. */
export function mayChangeOf({ tasks }: Pick<UnitJob['unit'], 'tasks'>): readonly string[] {
  return tasks.flatMap(({ mayChange }) => mayChange);
}

/** Whether a change to a path is put back, for a unit whose tasks may change these patterns. */
export function isRestored(
  { judge, allows }: Protection,
  path: string,
  { isAtBase, mayChange }: { readonly isAtBase: boolean; readonly mayChange: readonly string[] },
): boolean {
  const verdict = judge(path, isAtBase);
  return verdict?.level === 'restore' && !(verdict.mayAllow && allows(mayChange, path));
}

/** The paths among an agent's changes that are put back. */
export async function findRestored(
  protection: Protection,
  changes: readonly Change[],
  mayChange: readonly string[],
): Promise<readonly string[]> {
  const restored: string[] = [];
  for (const { path } of changes) {
    const [there, missing] = [true, false].map((isAtBase) =>
      isRestored(protection, path, { isAtBase, mayChange }),
    );
    if (there === missing ? there : (await protection.base.has(path)) === there) restored.push(path);
  }
  return restored;
}

/** The files that the gates of a unit name and that exist at its base, without those that its tasks may change. */
export async function findGateFiles(
  reader: ObjectReader,
  { directory, unit, base }: Pick<UnitJob, 'directory' | 'base'> & Pick<ProtectedUnit, 'unit'>,
): Promise<ReadonlySet<string>> {
  const lookup = lookUpTree(reader, await treeOf(reader, base));
  const commands = unit.tasks.map(({ gate }) => gate);
  const { files } = await findNamedPaths(lookup, { commands, directory });
  const allows = createPathMatcher(mayChangeOf(unit));
  return new Set([...files].filter((path) => !allows(path.slice(directory.length)) && !isManifest(path)));
}
