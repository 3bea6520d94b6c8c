import { expandBraces } from './glob-braces.ts';
import { readName } from './glob-name.ts';

/** The maximum length of a pattern. UTF-16 code units. */
export const MAX_PATTERN = 200;

/** Whether a path, relative and with forward slashes, matches a pattern. */
export type Glob = (path: string) => boolean;

/**
 * Reads a glob pattern. A fault is worded to follow "must be". Patterns match like Node's `path.matchesGlob` on Linux;
 * those with a surprising meaning there are refused. With `hasDots` a leading dot of a name is a character like others.
 *
 * A pattern becomes states, each a bit, and a path is read once: the work for each character is the number of states (at
 * most 1,100), 32 at a time. There is no backtracking, so time is linear in the path for every pattern.
 */
export function readGlob(
  pattern: string,
  { hasDots = false }: { readonly hasDots?: boolean } = {},
): { readonly matches: Glob } | { readonly fault: string } {
  if (pattern === '' || pattern.length > MAX_PATTERN)
    return { fault: `a glob pattern of 1 to ${MAX_PATTERN} characters` };
  if (pattern.includes('\\'))
    return { fault: 'a glob pattern without `\\`: a character in brackets stands for itself, as in `[*]`' };
  const expanded = expandBraces(pattern);
  if ('fault' in expanded) return expanded;
  const states: State[] = [];
  for (const alternative of expanded.alternatives) {
    const read = readStates(alternative);
    if ('fault' in read) return read;
    states.push(...(hasDots ? read.states.map((state) => ({ ...state, refusesDot: false })) : read.states));
  }
  return { matches: createMatcher(states) };
}

/** A position in a pattern, up to which a path may have matched. */
interface State {
  /** Whether a character leads to the next state. */
  readonly takes: (code: number) => boolean;
  /** What may be skipped in this state: nothing, characters of a name, or whole names. */
  readonly passes: 'nothing' | 'characters' | 'names';
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** A name that begins here may not begin with a dot. */
  readonly refusesDot: boolean;
}

const SLASH = '/'.charCodeAt(0);
const DOT = '.'.charCodeAt(0);

/** The states of a pattern without braces, in order. */
function readStates(pattern: string): { readonly states: readonly State[] } | { readonly fault: string } {
  const states: State[] = [];
  const names = pattern.split('/').filter((name, index, all) => name !== '**' || all[index - 1] !== '**');
  for (const [index, name] of names.entries()) {
    if (name === '' || name === '.' || name === '..')
      return {
        fault: 'a glob pattern for paths in the project: no `/` at either end, no `//`, no `./`, no `../`',
      };
    const isLastName = index === names.length - 1;
    let passes: State['passes'] = 'nothing';
    let isStart = true;
    let refusesDot = true;
    const add = (takes: State['takes'], isLast = false): void => {
      states.push({
        takes,
        passes,
        isFirst: index === 0 && isStart,
        isLast,
        refusesDot: isStart && refusesDot,
      });
      passes = 'nothing';
      isStart = false;
    };
    if (name === '**') {
      passes = 'names';
      add(() => false, isLastName);
      continue;
    }
    const read = readName(name);
    if ('fault' in read) return read;
    refusesDot = read.isOpen;
    for (const part of read.parts)
      if (part === 'star') passes = 'characters';
      else add((code) => code !== SLASH && part(code));
    add((code) => !isLastName && code === SLASH, isLastName);
  }
  return { states };
}

/** Runs all states at once over a path: bit n of a set is state n. */
function createMatcher(states: readonly State[]): Glob {
  const setOf = (has: (state: State) => boolean): Uint32Array => {
    const set = new Uint32Array(Math.ceil(states.length / 32));
    for (const [index, state] of states.entries())
      if (has(state)) set[index >>> 5] = (set[index >>> 5] ?? 0) | (1 << (index & 31));
    return set;
  };
  const first = setOf(({ isFirst }) => isFirst);
  const last = setOf(({ isLast }) => isLast);
  const refusesDot = setOf((state) => state.refusesDot);
  const passesNames = setOf(({ passes }) => passes === 'names');
  const passesCharacters = setOf(({ passes }) => passes !== 'nothing');
  const leadsOn = setOf(({ passes, isLast }) => passes === 'names' && !isLast);
  const taking = new Map<number, Uint32Array>();
  const takingOf = (code: number): Uint32Array => {
    let set = taking.get(code);
    if (set === undefined) taking.set(code, (set = setOf(({ takes }) => takes(code))));
    return set;
  };
  const size = first.length;

  return (path) => {
    const here = Uint32Array.from(first);
    let isStart = true;
    for (let index = 0; index < path.length; index += 1) {
      if (isStart) skipNames(here, leadsOn);
      const code = path.charCodeAt(index);
      const takes = takingOf(code);
      const passes = code === SLASH ? passesNames : passesCharacters;
      const mayDot = isStart && code === DOT ? refusesDot : undefined;
      let carry = 0;
      let rest = 0;
      for (let word = 0; word < size; word += 1) {
        const now = (here[word] ?? 0) & ~(mayDot?.[word] ?? 0);
        const taken = now & (takes[word] ?? 0);
        const next = (taken << 1) | carry | (now & (passes[word] ?? 0));
        carry = taken >>> 31;
        here[word] = next;
        rest |= next;
      }
      if (rest === 0) return false;
      isStart = code === SLASH;
    }
    return here.some((word, index) => (word & (last[index] ?? 0)) !== 0);
  };
}

/** At the start of a name, `**` may match no names: its state also activates the next one. */
function skipNames(here: Uint32Array, leadsOn: Uint32Array): void {
  let carry = 0;
  for (let word = 0; word < here.length; word += 1) {
    const leading = (here[word] ?? 0) & (leadsOn[word] ?? 0);
    here[word] = (here[word] ?? 0) | (leading << 1) | carry;
    carry = leading >>> 31;
  }
}
