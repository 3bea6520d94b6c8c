import { findInlinePieces, type InlinePiece, normalLabel } from './inline-markdown.ts';
import type { TextLine } from './markdown-blocks.ts';

const FOOTNOTE = /^ {0,3}\[\^([^\s\]]{1,999})\]:/;
const DEFINITION =
  / {0,3}\[((?:[^\\[\]]|\\[^]){1,999})\]:(?:[ \t]*\n)?[ \t]*(?:<(?:[^<>\n\\]|\\[^\n])*>|[^\s<]\S*)/y;
const TITLE = /(?:[ \t]*\n[ \t]*|[ \t]+)("(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|\((?:[^()\\]|\\[^])*\))/y;
const LINE_END = /[ \t]*(?:\n|$)/y;

/** Lines of one paragraph, or of one footnote in it. */
export interface Passage {
  readonly lines: readonly TextLine[];
  readonly text: string;
  /** The offset of each line in the text. */
  readonly starts: readonly number[];
  readonly footnote: string | undefined;
  readonly definitions: readonly Definition[];
  readonly pieces: readonly InlinePiece[];
  readonly isNested: boolean;
}

interface Definition {
  readonly label: string;
  readonly start: number;
  readonly title: number;
  readonly end: number;
}

/** A footnote begins a passage of its own, also within a paragraph. */
export function readPassages(lines: readonly TextLine[]): readonly Passage[] {
  const passages: TextLine[][] = [];
  for (const line of lines)
    if (passages.length === 0 || FOOTNOTE.test(line.text)) passages.push([line]);
    else passages.at(-1)?.push(line);
  return passages.map(readPassage);
}

function readPassage(lines: readonly TextLine[]): Passage {
  const text = lines.map((line) => line.text).join('\n');
  const footnote = FOOTNOTE.exec(text);
  const definitions = footnote === null ? readDefinitions(text) : [];
  const from = footnote === null ? (definitions.at(-1)?.end ?? 0) : footnote[0].length;
  const body = ' '.repeat(from) + text.slice(from);
  return {
    lines,
    text,
    starts: startsOf(lines.map((line) => line.text)),
    footnote: footnote === null ? undefined : normalLabel(`^${footnote[1]}`),
    definitions,
    pieces: [...findInlinePieces(body), ...findInCells(body)].toSorted(byStart),
    isNested: lines.some(({ isWhole }) => !isWhole),
  };
}

function byStart(a: InlinePiece, b: InlinePiece): number {
  return ('start' in a ? a.start : 0) - ('start' in b ? b.start : 0);
}

/** In a table code ends with its cell: what the cells hide by themselves counts, too. */
function findInCells(text: string): readonly InlinePiece[] {
  if (!text.includes('|') || !text.split('\n').some(isDelimiterRow)) return [];
  const pieces: InlinePiece[] = [];
  for (const { index, 0: cell } of text.matchAll(/(?:[^|\n\\]|\\[^\n])+/g))
    for (const piece of findInlinePieces(cell))
      if (piece.kind !== 'reference')
        pieces.push({ ...piece, start: piece.start + index, end: piece.end + index });
  return pieces;
}

function readDefinitions(text: string): readonly Definition[] {
  const definitions: Definition[] = [];
  for (let start = 0; start < text.length;) {
    DEFINITION.lastIndex = start;
    const label = DEFINITION.exec(text)?.[1];
    if (label === undefined) break;
    const title = DEFINITION.lastIndex;
    TITLE.lastIndex = title;
    const withTitle = TITLE.test(text) ? endOfLine(text, TITLE.lastIndex) : undefined;
    const end = withTitle ?? endOfLine(text, title);
    if (end === undefined) break;
    definitions.push({ label: normalLabel(label), start, title, end });
    start = end;
  }
  return definitions;
}

function endOfLine(text: string, at: number): number | undefined {
  LINE_END.lastIndex = at;
  return LINE_END.test(text) ? LINE_END.lastIndex : undefined;
}

/** The labels that visible text refers to, also by way of footnotes. */
export function usedLabels(passages: readonly Passage[]): ReadonlySet<string> {
  const of = new Map<string | undefined, string[]>();
  for (const { footnote, pieces } of passages) {
    const labels = of.get(footnote) ?? [];
    for (const piece of pieces) if (piece.kind === 'reference') labels.push(piece.label);
    of.set(footnote, labels);
  }
  const used = new Set(of.get(undefined));
  for (const label of used) for (const next of of.get(label) ?? []) used.add(next); // also those added meanwhile
  return used;
}

/** Whether a line may stand below the head of a table. */
function isDelimiterRow(line: string): boolean {
  return line.includes('-') && /^[ |:-]*$/.test(line);
}

/** The offsets of lines that are joined by line ends, and that after the last. */
export function startsOf(lines: readonly string[]): readonly number[] {
  let at = 0;
  return [0, ...lines.map((line) => (at += line.length + 1))];
}
