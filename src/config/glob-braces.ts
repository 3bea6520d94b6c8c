/** The maximum number of patterns that the braces of one may expand to, and of their characters together. */
const MAX_ALTERNATIVES = 100;
const MAX_CHARACTERS = 1_000;

/** Expands the braces of a pattern; a fault is worded to follow "must be". Pure; its work is bounded by the limits above. */
export function expandBraces(
  pattern: string,
): { readonly alternatives: readonly string[] } | { readonly fault: string } {
  let open: Group = { finished: [], texts: [''] };
  const around: Group[] = [];
  if (pattern.includes('${')) return { fault: 'a glob pattern without `${`' };
  for (const character of pattern) {
    const parent = around.at(-1);
    if (character === '{') {
      around.push(open);
      open = { finished: [], texts: [''] };
    } else if (character === ',' && parent !== undefined) {
      open = { finished: [...open.finished, ...open.texts], texts: [''] };
    } else if (character === '}') {
      if (parent === undefined) return { fault: UNBALANCED };
      if (open.finished.length === 0)
        return { fault: 'a glob pattern whose braces list alternatives, as in `{a,b}`' };
      const alternatives = [...open.finished, ...open.texts];
      around.pop();
      if (parent.texts.length * alternatives.length > MAX_ALTERNATIVES) return { fault: TOO_MANY };
      const texts = parent.texts.flatMap((text) => alternatives.map((alternative) => text + alternative));
      open = { finished: parent.finished, texts };
    } else {
      open = { finished: open.finished, texts: open.texts.map((text) => text + character) };
    }
    if (open.finished.length + open.texts.length > MAX_ALTERNATIVES) return { fault: TOO_MANY };
  }
  if (around.length > 0) return { fault: UNBALANCED };
  const characters = open.texts.reduce((sum, { length }) => sum + length, 0);
  return characters > MAX_CHARACTERS ? { fault: TOO_MANY } : { alternatives: open.texts };
}

/** The alternatives since an opening brace or the start: those that a comma ended, and the current one. */
interface Group {
  readonly finished: readonly string[];
  /** The current alternative; more than one text when it has braces of its own. */
  readonly texts: readonly string[];
}

const UNBALANCED = 'a glob pattern in which each `{` has its `}`';
const TOO_MANY = `a glob pattern whose braces expand to at most ${MAX_ALTERNATIVES} patterns, of ${MAX_CHARACTERS} characters together`;
