import stringWidth from 'fast-string-width';
import { spellOutHidden } from './hidden-text.ts';

/** Styles a text; returns it unchanged where there are no colours. */
export type Paint = (style: 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan', text: string) => string;

/** The terminal or file that a text is laid out for. */
export interface Medium {
  /** Columns; Infinity for lines of any length. */
  readonly width: number;
  readonly paint: Paint;
}

/** Puts text from a repository on one line, without control characters that a terminal would obey. */
export function printable(text: string): string {
  return spellOutHidden(text);
}

/** Cuts a text to a width in columns, with an ellipsis if something is missing. Never splits a character. */
export function truncate(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let cut = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter('en').segment(text)) {
    used += stringWidth(segment);
    if (used > Math.max(0, width - 1)) break;
    cut += segment;
  }
  return width < 1 ? '' : `${cut}…`;
}

/** Fills a text with blanks to a width in columns. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}

/** The width of the widest text in columns, at most `limit`. */
export function columnWidth(texts: readonly string[], limit: number): number {
  return Math.min(limit, Math.max(0, ...texts.map((text) => stringWidth(text))));
}

/** Joins words with commas and wraps lines between them; lines after the first start with `indent` blanks. */
export function wrapList(words: readonly string[], first: number, indent: number, width: number): string {
  let column = first;
  let text = '';
  for (const [index, word] of words.entries()) {
    const piece = index < words.length - 1 ? `${word},` : word;
    const size = stringWidth(piece);
    if (index > 0 && column + 1 + size > width) {
      text += `\n${' '.repeat(indent)}${piece}`;
      column = indent + size;
    } else {
      text += index > 0 ? ` ${piece}` : piece;
      column += size + (index > 0 ? 1 : 0);
    }
  }
  return text;
}

/** `1 task`, `2 tasks`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
