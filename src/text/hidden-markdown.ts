import { type HiddenPiece, HtmlVisibility } from './html-visibility.ts';
import { MAX_LABEL } from './inline-markdown.ts';
import { expandTabs, readBlocks, type TextLine } from './markdown-blocks.ts';
import { type Passage, readPassages, startsOf, usedLabels } from './markdown-passages.ts';

/** Text of one line (from 0) that the rendered page does not show: columns, and what it is. */
export interface HiddenSpan {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly what: string;
}

/** What may hide text. A language behind a fence is seen by its colours; the last: deep nesting. */
const SUSPECT =
  /<|!\[|\]:|\]\(|\]\[|(?:`{3}|~{3})[`~]*(?![ \t]*[\w+#.-]{0,20}[ \t]*(?:[\r\n]|$))|(?:^|[\r\n])[ \t>*+.)0-9-]{25}/;
const LANGUAGE = /^[\w+#.-]{0,20}$/;
/**
 * Finds what GitHub's page does not show of Markdown: comments and other raw HTML, attributes, folded text, definitions and
 * footnotes that nothing refers to, titles, descriptions of images, info strings. Reads as GitHub does; what it cannot be sure
 * of counts as hidden. Columns are those of the line with its tabs expanded. Linear.
 */
export function findHiddenMarkdown(text: string): readonly HiddenSpan[] {
  if (!mayHide(text)) return [];
  return new PageReader(text).read();
}

/** Whether Markdown has anything in it that may hide text. A quick look; where it says no, nothing is hidden. */
export function mayHide(text: string): boolean {
  return SUSPECT.test(text);
}

class PageReader {
  readonly #lines: readonly string[];
  /** Of each line, and of the end. */
  readonly #starts: readonly number[];
  readonly #text: string;
  readonly #found: HiddenPiece[] = [];
  readonly #html = new HtmlVisibility(this.#found);
  /** The first line that was not read yet. */
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lines = text.split(/\r\n|\n|\r/).map(expandTabs);
    this.#starts = startsOf(this.#lines);
  }

  read(): readonly HiddenSpan[] {
    const blocks = [...readBlocks(this.#text)].map((block) =>
      block.kind === 'text' ? { kind: block.kind, passages: readPassages(block.lines) } : block,
    );
    const passages = blocks.flatMap((block) => (block.kind === 'text' ? block.passages : []));
    const used = usedLabels(passages);
    for (const block of blocks) {
      if (block.kind === 'html') {
        if (this.#next !== block.number - 1) this.#html.endBlock();
        this.#skipTo(block.number - 1);
        this.#html.read(block.text, this.#offsetIn(block), block.isNested);
        this.#next = block.number;
        continue;
      }
      this.#html.endBlock();
      if (block.kind === 'unread') {
        this.#skipTo(block.number - 1);
        this.#hideLines(block.number - 1, this.#lines.length, 'text that is nested too deep');
        this.#next = this.#lines.length;
      } else if (block.kind === 'fence') this.#readFence(block);
      else for (const passage of block.passages) this.#readPassage(passage, used);
    }
    this.#html.endBlock();
    this.#skipTo(this.#lines.length);
    return this.#spans();
  }

  /** Goes to a line; what stands between is shown as it is, unless HTML hides it. */
  #skipTo(line: number): void {
    const what = this.#html.hides;
    if (what !== undefined) this.#hideLines(this.#next, line, what);
    this.#next = Math.max(this.#next, line);
  }

  #hideLines(from: number, to: number, what: string): void {
    const [start = 0, end = 0] = [this.#starts[from], this.#starts[to]];
    if (to > from) this.#found.push({ start, end: end - 1, what });
  }

  /** The offset of a line without the marks of its containers. */
  #offsetIn({ text, number }: Pick<TextLine, 'text' | 'number'>): number {
    return (this.#starts[number] ?? 0) - 1 - text.length;
  }

  #readFence({ info, number }: { readonly info: string; readonly number: number }): void {
    this.#skipTo(number - 1);
    const line = this.#lines[number - 1] ?? '';
    // The language, and one word after it at most, such as `rehearsal`: too little to ask an agent for anything.
    const [language = '', word = ''] = info.split(/\s+/, 2);
    const second = info.indexOf(word, language.length) + word.length;
    const isShort = second === info.length && LANGUAGE.test(word);
    const kept = !LANGUAGE.test(language) ? 0 : isShort ? info.length : language.length;
    const end = (this.#starts[number - 1] ?? 0) + line.trimEnd().length;
    if (info.length > kept)
      this.#found.push({ start: end - info.length + kept, end, what: 'the info string of a code block' });
  }

  #readPassage(passage: Passage, used: ReadonlySet<string>): void {
    const { lines, footnote, definitions, pieces, text, isNested } = passage;
    const [first] = lines;
    if (first === undefined) return;
    this.#skipTo(first.number - 1);
    this.#next = lines.at(-1)?.number ?? first.number;
    if (footnote !== undefined && !used.has(footnote)) return this.#hideFootnote(first);
    for (const { label, start, title, end } of definitions) {
      if (!used.has(label) || label.length > MAX_LABEL)
        this.#hideIn(passage, start, end, 'a definition of a link that the page does not show');
      else this.#hideIn(passage, title, end, 'the title of a link');
    }
    let at = definitions.at(-1)?.end ?? 0;
    const hideTo = (to: number): void => {
      const what = this.#html.hides;
      if (what !== undefined) this.#hideIn(passage, at, to, what);
      at = Math.max(at, to);
    };
    for (const piece of pieces) {
      if (piece.kind === 'reference') continue;
      if (piece.kind === 'hidden') {
        this.#hideIn(passage, piece.start, piece.end, piece.what);
        continue;
      }
      hideTo(piece.start);
      for (const [start, end] of this.#rangesIn(passage, piece.start, piece.end))
        this.#html.read(this.#slice(start, end), start, isNested);
      at = Math.max(at, piece.end);
    }
    hideTo(text.length);
  }

  #slice(start: number, end: number): string {
    const line = lineAt(this.#starts, start);
    const from = this.#starts[line] ?? 0;
    return (this.#lines[line] ?? '').slice(start - from, end - from);
  }

  /** Hides a footnote that nothing refers to, with the paragraphs below that belong to it. */
  #hideFootnote({ number, isWhole }: TextLine): void {
    let end = this.#next;
    const belongs = (line: string): boolean =>
      /^ *$| {4}/.test(line.slice(0, 4)) || (!isWhole && /^(?: {2}| *>)/.test(line));
    while (end < this.#lines.length && belongs(this.#lines[end] ?? '')) end += 1;
    this.#hideLines(number - 1, end, 'a footnote that the page does not show');
  }

  #hideIn(passage: Passage, start: number, end: number, what: string): void {
    for (const [from, to] of this.#rangesIn(passage, start, end))
      if (to > from) this.#found.push({ start: from, end: to, what });
  }

  /** A range of a passage, as ranges of the whole text: one for each line. */
  *#rangesIn({ lines, starts }: Passage, start: number, end: number): Generator<readonly [number, number]> {
    for (let index = lineAt(starts, start); index < lines.length; index += 1) {
      const [line, offset = 0] = [lines[index], starts[index]];
      if (line === undefined || offset >= end) return;
      const base = this.#offsetIn(line) - offset;
      yield [base + Math.max(start, offset), base + Math.min(end, offset + line.text.length)];
    }
  }

  #spans(): readonly HiddenSpan[] {
    const spans: HiddenSpan[] = [];
    for (const { start, end, what } of this.#found) {
      for (let line = lineAt(this.#starts, start); line < this.#lines.length; line += 1) {
        const from = this.#starts[line] ?? 0;
        if (from > end) break;
        const [a, b] = [Math.max(0, start - from), Math.min(end - from, this.#lines[line]?.length ?? 0)];
        if (b > a) spans.push({ line, start: a, end: b, what });
      }
    }
    return spans.sort((a, b) => a.line - b.line || a.start - b.start);
  }
}

function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
