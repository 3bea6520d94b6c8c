import { type Contents, valuesOf } from './json-manifests.ts';

/**
 * Whether a lock file gained entries, and every entry that it had is as it was: nothing that was there before is another version or
 * comes from elsewhere. `name`: that of the file, in lower case. May throw.
 */
export function isHarmlessLock(name: string, { before, after }: Contents): boolean {
  if (name.endsWith('.json') || /^(?:composer|pipfile|deno)\.lock$/.test(name))
    return holds(valuesOf(before), valuesOf(after), []);
  if (name === 'go.sum' || name === 'mix.lock') return isSubset(linesOf(before), linesOf(after));
  if (name === 'gemfile.lock' || name === 'bun.lock') return isPartOf(linesOf(before), linesOf(after));
  return holdsParagraphs(before, after);
}

/** Says which release of a package it is, and where it comes from. */
const PINS = /^(?:version|resolved|integrity|source|dist|reference|checksum|hashes|sha256|link|inBundle)$/;
/** Says how a package is needed, or what the whole was made from. */
const FREE = /^(?:dev|peer|optional|devOptional|extraneous|content-hash|_meta|plugin-api-version)$/;

/** Whether one value holds all of another one. */
function holds(old: unknown, now: unknown, path: readonly string[]): boolean {
  if (isFree(path)) return true;
  // What stands at the top describes the project.
  if (old === null || typeof old !== 'object') return old === now || path.length === 1;
  if (now === null || typeof now !== 'object' || Array.isArray(old) !== Array.isArray(now)) return false;
  if (Array.isArray(old)) {
    const items = new Map((now as unknown[]).map((item, index) => [nameOf(item) ?? String(index), item]));
    if (items.size < (now as unknown[]).length) return false;
    return old.every((item, index) => holds(item, items.get(nameOf(item) ?? String(index)), [...path, '[]']));
  }
  const keys = Object.keys(old);
  const gained = Object.keys(now).filter((key) => !Object.hasOwn(old, key) && !FREE.test(key));
  if (path.length > 0 && gained.length > 0 && keys.some((key) => PINS.test(key))) return false;
  return keys.every((key) =>
    holds((old as Record<string, unknown>)[key], (now as Record<string, unknown>)[key], [...path, key]),
  );
}

/** How packages are needed, and the project itself, which stands among the packages of npm. */
function isFree(path: readonly string[]): boolean {
  return FREE.test(path.at(-1) ?? '') || (path.length === 2 && path[0] === 'packages' && path[1] === '');
}

function nameOf(item: unknown): string | undefined {
  const name = item !== null && typeof item === 'object' && 'name' in item ? item.name : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** Whether every paragraph that pins something is there as it was, and the others have only gained lines. */
function holdsParagraphs(before: string, after: string): boolean {
  const [old, now] = [paragraphsOf(before), paragraphsOf(after)];
  const there = new Set(now);
  const [had, has] = [byKey(old), byKey(now)];
  return old.every((paragraph) => {
    const key = keyOf(paragraph);
    const [earlier = [], present = []] = [had.get(key), has.get(key)];
    // A second one of the same name could take the place of the first.
    if (isPinned(paragraph)) return there.has(paragraph) && present.length === earlier.length;
    return (
      there.has(paragraph) ||
      (earlier.length === 1 &&
        present.length === 1 &&
        isPartOf(linesOf(paragraph), linesOf(present[0] ?? '')))
    );
  });
}

function byKey(paragraphs: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const each of paragraphs) {
    const same = found.get(keyOf(each));
    if (same === undefined) found.set(keyOf(each), [each]);
    else same.push(each);
  }
  return found;
}

const PIN = /^"?(?:checksum|integrity|resolved|resolution|hash|hashes|sdist|wheels|files)"?[:= ]/;

function isPinned(paragraph: string): boolean {
  return linesOf(paragraph).some((line) => PIN.test(line));
}

const CHANGES_ALWAYS = /^(?:content-hash|lock-version|revision|python-versions)\b/;

function paragraphsOf(text: string): readonly string[] {
  return text
    .replaceAll('\r\n', '\n')
    .split(/\n{2,}/)
    .map((each) => each.trimEnd())
    .filter((each) => each !== '');
}

/** What a paragraph is about: its first lines, up to a version. */
function keyOf(paragraph: string): string {
  return linesOf(paragraph)
    .slice(0, paragraph.startsWith('[[') ? 3 : 1)
    .join('\n');
}

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim().replace(/,$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#') && !CHANGES_ALWAYS.test(line));
}

/** Whether lines stand among others, in their order. */
function isPartOf(old: readonly string[], now: readonly string[]): boolean {
  let at = 0;
  for (const line of now) if (line === old[at]) at += 1;
  return at === old.length;
}

function isSubset(old: readonly string[], now: readonly string[]): boolean {
  const there = new Set(now);
  return old.every((line) => there.has(line));
}
