import { findCodeSpans, isInside, type Range } from '../discovery/markdown.ts';

/** A line of a comment that is plain text where GitHub shows it. */
export interface PlainLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
/** Also as the first thing in the items of lists. */
const QUOTE = /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+){0,10}>/;
/** HTML that reaches to its own end, and all other, which reaches to a blank line. */
const HTML = /^ {0,3}<(?:(!--)|(pre|script|style|textarea)(?=[\s>]|$)|[a-z/!?])/i;

/**
 * The lines of a comment that stand outside code, quotes and HTML, by CommonMark's rules for blocks; where those leave a
 * choice, a line is left out. Carriage returns are dropped. Linear in the text.
 */
export function plainLines(body: string): readonly PlainLine[] {
  const found: PlainLine[] = [];
  let paragraph: PlainLine[] = [];
  const flush = (): void => {
    found.push(...outsideSpans(paragraph));
    paragraph = [];
  };
  /** What a line must have to end the block that is open. */
  let ends: ((line: string) => boolean) | undefined;
  let isQuote = false;
  for (const [index, text] of body.split(/\r\n|\r|\n/).entries()) {
    if (ends !== undefined) {
      if (ends(text)) ends = undefined;
      continue;
    }
    if (text.trim() === '') {
      flush();
      isQuote = false;
      continue;
    }
    const fence = FENCE.exec(text)?.[1];
    const html = HTML.exec(text);
    if (fence !== undefined) {
      flush();
      isQuote = false;
      ends = (line) => closesFence(line, fence);
    } else if (html !== null) {
      flush();
      ends = endOfHtml(html, text);
    } else if (QUOTE.test(text)) {
      flush();
      isQuote = true;
    } else if (!isQuote) paragraph.push({ text, number: index + 1 }); // else the quote goes on
  }
  flush();
  return found;
}

function closesFence(line: string, fence: string): boolean {
  const mark = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
  return mark !== undefined && mark[0] === fence[0] && mark.length >= fence.length;
}

function endOfHtml(
  [, comment, tag]: RegExpExecArray,
  first: string,
): ((line: string) => boolean) | undefined {
  const ends =
    comment !== undefined
      ? (line: string) => line.includes('-->')
      : tag !== undefined
        ? (line: string) => line.toLowerCase().includes(`</${tag.toLowerCase()}`)
        : (line: string) => line.trim() === '';
  return ends(first) ? undefined : ends;
}

/** The lines of a paragraph that begin neither in a code span nor in an HTML comment of it. */
function outsideSpans(lines: readonly PlainLine[]): readonly PlainLine[] {
  const text = lines.map((line) => line.text).join('\n');
  const inside = [findCodeSpans(text), findComments(text)];
  let offset = 0;
  return lines.filter((line) => {
    const start = offset;
    offset += line.text.length + 1;
    return !inside.some((ranges) => isInside(ranges, start));
  });
}

function findComments(text: string): readonly Range[] {
  const ranges: Range[] = [];
  for (let start = text.indexOf('<!--'); start >= 0;) {
    const close = text.indexOf('-->', start + 4);
    const end = close < 0 ? text.length : close + 3;
    ranges.push({ start, end });
    start = text.indexOf('<!--', end);
  }
  return ranges;
}
