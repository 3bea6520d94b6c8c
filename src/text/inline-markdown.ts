import type { HiddenPiece } from './html-visibility.ts';

/** One thing of a paragraph that has to do with hidden text, in order: offsets in the paragraph. */
export type InlinePiece =
  | ({ readonly kind: 'hidden' } & HiddenPiece)
  /** A tag, a comment or another piece of raw HTML. */
  | { readonly kind: 'html'; readonly start: number; readonly end: number }
  /** A link or footnote by the label of its definition. */
  | { readonly kind: 'reference'; readonly label: string };

/** Longer labels, which the page does not show, are text. */
export const MAX_LABEL = 30;

const COMMENTS = [
  ['<!--', '-->'],
  ['<?', '?>'],
  ['<![CDATA[', ']]>'],
  ['<!', '>'],
] as const;
const ADDRESS = /<(?:[a-z][a-z0-9+.-]{1,31}:[^\s<>]*|[\w.!#$%&'*+/=?^`{|}~-]+@[a-z0-9.-]+)>/iy;
const TAG_NAME = /<\/?[a-z][a-z0-9-]*/iy;
const ATTRIBUTE_NAME = /\s+[a-z_:][\w.:-]*/iy;
const EQUALS = /\s*=\s*/y;
const BARE_VALUE = /[^\s"'=<>`]+/y;
const TAG_END = /\s*\/?>/y;

/** The raw HTML, link titles, image descriptions and labels of a paragraph, by GitHub's rules for inlines. Linear. */
export function findInlinePieces(text: string): readonly InlinePiece[] {
  return new InlineReader(text).read();
}

/** Makes labels that differ in case and spaces equal. */
export function normalLabel(label: string): string {
  return label.trim().replaceAll(/\s+/g, ' ').toLowerCase();
}

class InlineReader {
  readonly #text: string;
  readonly #pieces: InlinePiece[] = [];
  /** Open brackets: the offset behind them, and whether they begin an image. */
  readonly #open: { readonly inside: number; readonly isImage: boolean }[] = [];
  /** By string: from here on it does not occur. */
  readonly #missing = new Map<string, number>();

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly InlinePiece[] {
    for (let at = 0; at < this.#text.length;) at = this.#readAt(at);
    return this.#pieces;
  }

  /** Reads what begins here; returns the offset after it. */
  #readAt(at: number): number {
    const text = this.#text;
    const character = text[at];
    if (character === '\\') return at + 2;
    if (character === '`') return this.#behindCode(at);
    if (character === '<') return this.#readAngle(at);
    if (character === '!' && text[at + 1] === '[') {
      this.#open.push({ inside: at + 2, isImage: true });
      return at + 2;
    }
    if (character === '[') {
      this.#open.push({ inside: at + 1, isImage: false });
      return at + 1;
    }
    if (character === ']') return this.#readBracket(at);
    return at + 1;
  }

  /** `indexOf`, at most once in vain for each string. */
  #find(what: string, from: number): number {
    if (from >= (this.#missing.get(what) ?? Infinity)) return -1;
    const found = this.#text.indexOf(what, from);
    if (found < 0) this.#missing.set(what, from);
    return found;
  }

  #match(pattern: RegExp, at: number): number {
    pattern.lastIndex = at;
    return pattern.test(this.#text) ? pattern.lastIndex : -1;
  }

  readonly #runs = new Map<number, readonly number[]>();

  #behindCode(at: number): number {
    const end = endOfRun(this.#text, at);
    if (this.#runs.size === 0) this.#indexRuns();
    const starts = this.#runs.get(end - at) ?? [];
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) < end) low = middle + 1;
      else high = middle;
    }
    const close = starts[low];
    return close === undefined ? end : close + (end - at);
  }

  #indexRuns(): void {
    const runs = new Map<number, number[]>();
    for (const { index, 0: run } of this.#text.matchAll(/`+/g)) {
      const known = runs.get(run.length);
      if (known === undefined) runs.set(run.length, [index]);
      else known.push(index);
    }
    for (const [length, starts] of runs) this.#runs.set(length, starts);
  }

  #readAngle(at: number): number {
    const text = this.#text;
    for (const [open, close] of COMMENTS) {
      if (!text.startsWith(open, at)) continue;
      const end = this.#find(close, at + open.length);
      if (end < 0) continue;
      this.#pieces.push({ kind: 'html', start: at, end: end + close.length });
      return end + close.length;
    }
    const address = this.#match(ADDRESS, at);
    if (address >= 0) return address;
    const end = this.#behindTag(at);
    if (end < 0) return at + 1;
    this.#pieces.push({ kind: 'html', start: at, end });
    return end;
  }

  #behindTag(start: number): number {
    let at = this.#match(TAG_NAME, start);
    for (let name = at; name >= 0;) {
      name = this.#match(ATTRIBUTE_NAME, at);
      if (name < 0) break;
      at = name;
      const value = this.#match(EQUALS, name);
      if (value < 0) continue;
      const quote = this.#text[value];
      if (quote === '"' || quote === "'") {
        const close = this.#find(quote, value + 1);
        if (close < 0) return -1;
        at = close + 1;
      } else {
        at = this.#match(BARE_VALUE, value);
        if (at < 0) return -1;
      }
    }
    return at < 0 ? -1 : this.#match(TAG_END, at);
  }

  /** A closing bracket: the end of a link's text, of an image's description, of a label, or nothing. */
  #readBracket(at: number): number {
    const text = this.#text;
    const open = this.#open.pop();
    if (open === undefined) return at + 1;
    const inside = text.slice(open.inside, Math.min(at, open.inside + 1_000));
    let end = text[at + 1] === '(' ? this.#readTarget(at + 2) : -1;
    if (end < 0) {
      const label = /^\[((?:[^\\[\]]|\\[^]){1,999})\]/.exec(text.slice(at + 1, at + 2_010))?.[1];
      if (label !== undefined) {
        this.#pieces.push({ kind: 'reference', label: normalLabel(label) });
        if (label.length > MAX_LABEL) this.#hide(at + 2, at + 2 + label.length, 'a label of a link');
        end = at + label.length + 3;
      } else this.#pieces.push({ kind: 'reference', label: normalLabel(inside) });
    }
    if (open.isImage) this.#hide(open.inside, at, 'the description of an image');
    return end < 0 ? at + 1 : end;
  }

  /** The address and title of a link, the `(` of which was read. Returns the offset after its `)`, -1 when it is none. */
  #readTarget(from: number): number {
    const text = this.#text;
    let at = this.#match(/\s*/y, from);
    const start = at;
    if (text[at] === '<') {
      const end = this.#match(/<(?:[^<>\n\\]|\\[^\n])*>/y, at);
      if (end < 0) return -1;
      if (/\s/.test(text.slice(at, end))) this.#hide(at + 1, end - 1, 'an address with spaces');
      at = end;
    } else at = this.#behindAddress(at);
    if (at < 0) return -1;
    const title = this.#match(/\s+/y, at);
    const quote = title < 0 || at === start ? '' : (text[title] ?? '');
    if (quote === '"' || quote === "'" || quote === '(') {
      const end = this.#behindTitle(title, quote);
      if (end < 0) return -1;
      this.#hide(title, end, 'the title of a link');
      at = end;
    }
    return this.#match(/\s*\)/y, at);
  }

  /** An address without brackets: no spaces, and parentheses in pairs. */
  #behindAddress(from: number): number {
    let depth = 0;
    let at = from;
    for (; at < this.#text.length; at += 1) {
      const character = this.#text[at] ?? '';
      if (character === '\\') at += 1;
      else if (/[\s\u0000-\u001F]/.test(character)) break;
      else if (character === '(' && (depth += 1) > 32) return -1;
      else if (character === ')' && (depth -= 1) < 0) break;
    }
    return depth > 0 ? -1 : Math.min(at, this.#text.length);
  }

  #behindTitle(from: number, quote: string): number {
    if (quote === '(') return this.#match(/\((?:[^()\\]|\\[^])*\)/y, from);
    let at = from;
    do {
      at = this.#find(quote, at + 1);
      if (at < 0) return -1;
    } while (isEscaped(this.#text, at));
    return at + 1;
  }

  #hide(start: number, end: number, what: string): void {
    if (this.#text.slice(start, end).trim() !== '') this.#pieces.push({ kind: 'hidden', start, end, what });
  }
}

function endOfRun(text: string, from: number): number {
  let end = from;
  while (text[end] === '`') end += 1;
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text[before - 1] === '\\') before -= 1;
  return (at - before) % 2 === 1;
}
