import { PROVIDERS } from '../../provider/by-name.ts';
import { readGlob } from '../glob.ts';
import type { ProtectionEntry, ProtectionLevel } from './entry.ts';
import { PROTECTION_TABLE } from './table.ts';

/**
 * A rule of a repository: what happens with changes to these paths.
 *
 * @internal
 */
export interface ProtectionRule {
  readonly paths: readonly string[];
  readonly level: ProtectionLevel;
}

const STRICTNESS: Readonly<Record<ProtectionLevel, number>> = { tell: 1, ask: 2, restore: 3 };

/** The stricter of two levels. */
export function stricter(
  a: ProtectionLevel | undefined,
  b: ProtectionLevel | undefined,
): ProtectionLevel | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return STRICTNESS[a] >= STRICTNESS[b] ? a : b;
}

/**
 * Creates the test for patterns of `protect` and `may_change`: globs from the project directory, each of which holds for what is
 * below a directory, too. Names that begin with a dot are no exception. Invalid patterns match nothing.
 */
export function createPathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const globs = patterns.flatMap((pattern) => {
    const plain = pattern.replace(/\/$/, '');
    return [plain, `${plain}/**`].flatMap((each) => {
      const read = readGlob(each, { hasDots: true });
      return 'fault' in read ? [] : [read.matches];
    });
  });
  return (path) => globs.some((matches) => matches(path));
}

/** Git itself and what steers agents: no repository may say otherwise. */
const CORE: ProtectionEntry = {
  level: 'restore',
  what: 'git and agents',
  names: ['.git*', ...Object.values(PROVIDERS).flatMap(({ steeredBy }) => steeredBy)].join(' ').toLowerCase(),
  source: '',
};

/** Whether a path is one that is restored whatever a repository says. */
export function isCore(path: string): boolean {
  return findIn(CORE_INDEX, path).length > 0;
}

/** The entries of the table, and the core, that a path fits. */
export function findProtectionEntries(path: string): readonly ProtectionEntry[] {
  return findIn(INDEX, path);
}

/** Whether a path is a test by its name. */
export function isTestPath(path: string): boolean {
  return findProtectionEntries(path).some(({ level }) => level === 'tell');
}

/** Patterns of the table, in a form that finds those of a path in few steps. */
interface Index {
  readonly byName: ReadonlyMap<string, readonly ProtectionEntry[]>;
  readonly open: readonly { readonly fits: (name: string) => boolean; readonly entry: ProtectionEntry }[];
  readonly paths: readonly { readonly names: readonly string[]; readonly entry: ProtectionEntry }[];
}

function createIndex(entries: readonly ProtectionEntry[]): Index {
  const all = entries.flatMap((entry) => entry.names.split(' ').map((pattern) => ({ pattern, entry })));
  const byName = new Map<string, ProtectionEntry[]>();
  for (const { pattern, entry } of all)
    if (!/[*/]/.test(pattern)) byName.set(pattern, [...(byName.get(pattern) ?? []), entry]);
  return {
    byName,
    open: all
      .filter(({ pattern }) => pattern.includes('*'))
      .map(({ pattern, entry }) => ({ fits: createNameTest(pattern), entry })),
    paths: all
      .filter(({ pattern }) => pattern.includes('/'))
      .map(({ pattern, entry }) => ({ names: pattern.split('/'), entry })),
  };
}

/** A pattern of a name with one or two `*`, which stand for any characters. */
function createNameTest(pattern: string): (name: string) => boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop() ?? '';
  const least = pattern.length - rest.length - 1;
  return (name) => {
    if (name.length < least || !name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    for (const part of rest) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}

function findIn({ byName, open, paths }: Index, path: string): readonly ProtectionEntry[] {
  const found = new Set<ProtectionEntry>();
  const names = path.toLowerCase().split('/');
  for (const [index, name] of names.entries()) {
    for (const entry of byName.get(name) ?? []) found.add(entry);
    for (const { fits, entry } of open) if (!found.has(entry) && fits(name)) found.add(entry);
    for (const { names: wanted, entry } of paths)
      if (wanted.every((each, offset) => names[index + offset] === each)) found.add(entry);
  }
  return [...found];
}

const INDEX = createIndex([CORE, ...PROTECTION_TABLE]);
const CORE_INDEX = createIndex([CORE]);
