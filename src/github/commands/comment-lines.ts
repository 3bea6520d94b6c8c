import { findCodeSpans, isInside } from '../../text/markdown-code.ts';
import { readBlocks, type TextLine } from '../../text/markdown-blocks.ts';

/** A line of a comment that begins in the first column and is shown as its author's own words. */
export interface PlainLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** A link or tag on a line above, in the same paragraph, may reach over this line and hide it. */
  readonly doubtful: boolean;
}

/** Elements that fold, quote or show as code what stands in them, also where that is Markdown again. */
const COMMENT_OR_FOLD = /<!--|-->|<\/?(?:details|blockquote|pre|textarea)(?![\w-])/gi;

/** Links, tags and HTML comments that plainly end on their line. */
const WHOLE =
  /!?\[[^\][<>\\]*\](?:\([^\s()<>\\"']*\))?(?![(:[])|<[^\s<>"'\\]+>|<\/?[a-z][a-z0-9]* *\/?>|<!--[^<>]*-->/gi;

/**
 * The lines of a comment that stand outside code, block quotes, HTML and what HTML folds away. Blocks are told apart as
 * CommonMark does; an HTML comment that is never closed hides all that follows. Linear in the comment.
 */
export function* findPlainLines(comment: string): Generator<PlainLine> {
  const hiding: Hiding = { comment: 'none', folds: 0 };
  for (const block of readBlocks(comment)) {
    if (block.kind === 'html') readHtml(block.text, block.isNested, hiding);
    else if (block.kind === 'text') yield* findInParagraph(block.lines, block.isQuoted, hiding);
  }
}

/** What is open where a block begins. A comment that raw HTML began ends in raw HTML only: browsers see no other end. */
interface Hiding {
  comment: 'none' | 'text' | 'html';
  folds: number;
}

function* findInParagraph(
  lines: readonly TextLine[],
  isQuoted: boolean,
  hiding: Hiding,
): Generator<PlainLine> {
  const text = lines.map((line) => line.text).join('\n');
  const spans = findCodeSpans(text);
  const withoutCode = blank(text, spans);
  let offset = 0;
  let doubtful = false;
  for (const line of lines) {
    const isShown = hiding.comment === 'none' && hiding.folds === 0 && !isQuoted && !isInside(spans, offset);
    if (isShown && line.isWhole) yield { text: line.text, number: line.number, doubtful };
    const end = offset + line.text.length;
    const prose = withoutCode.slice(offset, end);
    for (const [mark] of prose.matchAll(/<!--|-->/g)) {
      if (mark === '-->' && hiding.comment === 'text') hiding.comment = 'none';
      else if (mark === '<!--' && hiding.comment === 'none') hiding.comment = 'text';
    }
    // An escaped backtick begins no code span, which the spans do not know.
    doubtful ||= line.text.includes('\\`') || /<[a-z/!?]|\[/i.test(prose.replaceAll(WHOLE, ''));
    offset = end + 1;
  }
}

function readHtml(text: string, isNested: boolean, hiding: Hiding): void {
  for (const [mark] of text.matchAll(COMMENT_OR_FOLD)) {
    if (mark === '<!--') hiding.comment = 'html';
    else if (mark === '-->') hiding.comment = 'none';
    else if (hiding.comment === 'none' && !isNested)
      hiding.folds = mark[1] === '/' ? Math.max(0, hiding.folds - 1) : hiding.folds + 1;
  }
}

/** The text with spaces where the ranges, which are in order, stand. */
function blank(text: string, ranges: readonly { readonly start: number; readonly end: number }[]): string {
  let shown = '';
  let from = 0;
  for (const { start, end } of ranges) {
    shown += text.slice(from, start) + ' '.repeat(end - start);
    from = end;
  }
  return shown + text.slice(from);
}
