/** A part of a name in a glob pattern: a test of one UTF-16 code unit, or `star`, which matches any number of them. */
type NamePart = 'star' | ((code: number) => boolean);

interface NamePattern {
  readonly parts: readonly NamePart[];
  /** Whether its first character may vary. */
  readonly isOpen: boolean;
}

/** Reads the part of a glob pattern between two slashes, except `**`. A fault is worded to follow "must be". Pure. */
export function readName(name: string): NamePattern | { readonly fault: string } {
  const parts: NamePart[] = [];
  let isOpen = false;
  for (let index = 0; index < name.length; index += 1) {
    const character = name.charAt(index);
    if ('?*+@!'.includes(character) && name[index + 1] === '(')
      return {
        fault: `a glob pattern without \`${character}(…)\`: list alternatives in braces, as in \`{a,b}\``,
      };
    let part: NamePart;
    let isCertain = false;
    if (character === '*') part = 'star';
    else if (character === '?') part = () => true;
    else if (character === '[') {
      const read = readBrackets(name, index);
      if ('fault' in read) return read;
      ({ part, isCertain } = read);
      index = read.end;
    } else {
      part = exactly(character);
      isCertain = true;
    }
    if (parts.length === 0) isOpen = !isCertain;
    parts.push(part);
  }
  return { parts, isOpen };
}

function exactly(character: string): NamePart {
  const wanted = character.charCodeAt(0);
  return (code) => code === wanted;
}

/** Reads `[…]`; `end` is the index of the closing bracket. */
function readBrackets(
  name: string,
  start: number,
):
  | { readonly part: NamePart; readonly isCertain: boolean; readonly end: number }
  | { readonly fault: string } {
  const isNegated = '!^'.includes(name.charAt(start + 1)) && start + 1 < name.length;
  const first = start + (isNegated ? 2 : 1);
  const end = name.indexOf(']', first + 1); // a bracket in the first place is literal
  const inside = name.slice(first, end);
  if (end === -1) return { fault: 'a glob pattern in which each `[` has its `]` before the next `/`' };
  if (inside.includes('[:'))
    return { fault: 'a glob pattern without `[:…:]`: give the characters, as in `[a-z]`' };
  const ranges: (readonly [from: number, to: number])[] = [];
  for (let index = 0; index < inside.length; index += 1) {
    const from = inside.charCodeAt(index);
    const isRange = inside[index + 1] === '-' && index + 2 < inside.length;
    if (isRange) index += 2;
    const to = inside.charCodeAt(index);
    if (from > to) return { fault: 'a glob pattern whose ranges go upwards, as in `[a-z]`' };
    ranges.push([from, to]);
  }
  const part = (code: number): boolean =>
    ranges.some(([from, to]) => from <= code && code <= to) !== isNegated;
  return { part, isCertain: inside.length === 1 && !isNegated, end };
}
