/** A line of a paragraph or heading, without the marks of the quotes and lists it stands in. */
export interface TextLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Nothing was taken off its beginning: it starts in the first column. */
  readonly isWhole: boolean;
}

/** A piece of Markdown that is not code. Raw HTML comes line by line. */
export type Block =
  | { readonly kind: 'text'; readonly lines: readonly TextLine[]; readonly isQuoted: boolean }
  | {
      readonly kind: 'html';
      readonly text: string;
      readonly number: number;
      readonly isNested: boolean;
    }
  /** The line that opens fenced code, and what stands behind its mark. */
  | { readonly kind: 'fence'; readonly info: string; readonly number: number }
  /** From this line on nothing was read. */
  | { readonly kind: 'unread'; readonly number: number };

/** Nobody writes deeper; what follows such nesting is not read, which keeps the work linear. */
const MAX_DEPTH = 50;

type Container =
  | { readonly kind: 'quote' }
  /** `emptyAt`: the line its mark stands on, when nothing follows the mark there. */
  | { readonly kind: 'item'; readonly width: number; readonly emptyAt: number | undefined };

type Leaf =
  | { readonly kind: 'text'; readonly lines: TextLine[]; readonly isQuoted: boolean }
  | { readonly kind: 'fence'; readonly mark: string }
  | { readonly kind: 'html'; readonly end: RegExp };

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
const RULE = /^ {0,3}(?:(?:\* *){3,}|(?:_ *){3,}|(?:- *){3,})$/;
const HEADING = /^ {0,3}#{1,6}(?: |$)/;
const UNDERLINE = /^ {0,3}(?:=+|-+) *$/;
const ITEM = /^( {0,3}(?:[-+*]|(\d{1,9})[.)]))( +|$)/;
const BLANK = /^ *$/;

/** Those of CommonMark 0.29, which GitHub's Markdown extends (ADR 13). */
const BLOCK_TAGS =
  'address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|' +
  'fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|' +
  'menuitem|nav|noframes|ol|optgroup|option|p|param|section|source|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul';
const ATTRIBUTE = '\\s+[a-z_:][\\w.:-]*(?:\\s*=\\s*(?:[^\\s"\'=<>`]+|\'[^\']*\'|"[^"]*"))?';

/** How raw HTML begins and what its last line has in it, in the order in which GitHub's Markdown tries them. */
const HTML: readonly (readonly [begin: RegExp, end: RegExp])[] = [
  [/^ {0,3}<(?:script|pre|style)(?:[\s>]|$)/i, /<\/(?:script|pre|style)>/i],
  [/^ {0,3}<!--/, /-->/],
  [/^ {0,3}<\?/, /\?>/],
  [/^ {0,3}<![A-Z]/i, />/],
  [/^ {0,3}<!\[CDATA\[/, /\]\]>/],
  [new RegExp(`^ {0,3}</?(?:${BLOCK_TAGS})(?:\\s|/?>|$)`, 'i'), BLANK],
];
/** Any tag alone on its line; it does not end a paragraph. */
const LONE_TAG = new RegExp(
  `^ {0,3}<(?:/[a-z][a-z0-9-]*\\s*|[a-z][a-z0-9-]*(?:${ATTRIBUTE})*\\s*/?)>\\s*$`,
  'i',
);

/** The text and the raw HTML of a comment or another Markdown text, in order, by CommonMark's rules for blocks. Linear. */
export function* readBlocks(comment: string): Generator<Block> {
  const mark = comment.startsWith('\uFEFF') ? '\uFEFF' : '';
  let containers: readonly Container[] = [];
  let leaf: Leaf | undefined;
  for (const [index, line] of comment
    .slice(mark.length)
    .split(/\r\n|\n|\r/)
    .entries()) {
    const number = index + 1;
    const whole = expandTabs(line);
    const { matched, rest: inner } = matchContainers(containers, whole, number);
    let rest = inner;
    const isMatched = matched === containers.length;
    // 1. Code and raw HTML go on until their own end, or that of the container they stand in.
    if (isMatched && leaf !== undefined && leaf.kind !== 'text') {
      const isEnd = leaf.kind === 'fence' ? closesFence(rest, leaf.mark) : leaf.end.test(rest);
      if (leaf.kind === 'html') yield { kind: 'html', text: rest, number, isNested: matched > 0 };
      if (isEnd) leaf = undefined;
      continue;
    }
    // 2. Containers that begin here. The first thing that begins ends the paragraph above and what did not match.
    const paragraph: Leaf | undefined = leaf?.kind === 'text' ? leaf : undefined;
    const opened: Container[] = [];
    for (;;) {
      const follows = opened.length === 0 && isMatched && paragraph !== undefined;
      const begun = beginContainer(rest, number, follows);
      if (begun === undefined) break;
      opened.push(begun.container);
      rest = begun.rest;
      if (matched + opened.length > MAX_DEPTH) {
        yield { kind: 'unread', number: paragraph?.lines[0]?.number ?? number };
        return;
      }
    }
    // 3. What the rest of the line is.
    const follows = opened.length === 0 && paragraph !== undefined;
    const found = readLeaf(rest, { follows, isUnderline: follows && isMatched });
    const text: TextLine = {
      text: number === 1 ? mark + rest : rest,
      number,
      isWhole: rest.length === whole.length,
    };
    if (follows && found === 'text') {
      paragraph.lines.push(text); // also where a quote or an item goes on without its mark
      continue;
    }
    if (paragraph !== undefined) yield paragraph;
    containers = [...containers.slice(0, matched), ...opened];
    const isQuoted = containers.some(({ kind }) => kind === 'quote');
    leaf = undefined;
    if (found === 'text') leaf = { kind: 'text', lines: [text], isQuoted };
    else if (found === 'heading') yield { kind: 'text', lines: [text], isQuoted };
    else if (typeof found === 'object') {
      const isEnd = found.kind === 'html' && found.end.test(rest);
      if (found.kind === 'html') yield { kind: 'html', text: rest, number, isNested: containers.length > 0 };
      else
        yield {
          kind: 'fence',
          info: rest
            .trim()
            .replace(/^[`~]+/, '')
            .trim(),
          number,
        };
      if (!isEnd) leaf = found;
    }
  }
  if (leaf?.kind === 'text') yield leaf;
}

/** How many of the open containers the line goes on with, and the line without their marks. */
function matchContainers(
  containers: readonly Container[],
  line: string,
  number: number,
): { readonly matched: number; readonly rest: string } {
  let rest = line;
  for (const [matched, container] of containers.entries()) {
    const isBlank = BLANK.test(rest);
    if (container.kind === 'quote') {
      const quote = /^ {0,3}> ?/.exec(rest);
      if (quote === null) return { matched, rest };
      rest = rest.slice(quote[0].length);
    } else if (isBlank) {
      if (container.emptyAt === number - 1) return { matched, rest };
    } else if (indentOf(rest) >= container.width) {
      rest = rest.slice(container.width);
    } else return { matched, rest };
  }
  return { matched: containers.length, rest };
}

/** The quote or item that begins the line. `follows`: a paragraph is open right here, which not every item interrupts. */
function beginContainer(
  line: string,
  number: number,
  follows: boolean,
): { readonly container: Container; readonly rest: string } | undefined {
  const quote = /^ {0,3}> ?/.exec(line);
  if (quote !== null) return { container: { kind: 'quote' }, rest: line.slice(quote[0].length) };
  const item = ITEM.exec(line);
  if (item === null || RULE.test(line) || (follows && UNDERLINE.test(line))) return undefined;
  const [, mark = '', ordinal, spaces = ''] = item;
  const isEmpty = BLANK.test(line.slice(mark.length));
  if (follows && (isEmpty || (ordinal !== undefined && Number(ordinal) !== 1))) return undefined;
  const width = mark.length + (isEmpty || spaces.length > 4 ? 1 : spaces.length);
  const container: Container = { kind: 'item', width, emptyAt: isEmpty ? number : undefined };
  return { container, rest: isEmpty ? '' : line.slice(width) };
}

/** What a line is, its containers' marks taken off. `follows`: a paragraph is open that the line may go on with. */
function readLeaf(
  line: string,
  { follows, isUnderline }: { readonly follows: boolean; readonly isUnderline: boolean },
): 'text' | 'heading' | 'none' | Exclude<Leaf, { kind: 'text' }> {
  if (BLANK.test(line)) return 'none';
  if (indentOf(line) >= 4) return follows ? 'text' : 'none'; // indented code
  if (HEADING.test(line)) return 'heading';
  const mark = FENCE.exec(line)?.[1];
  if (mark !== undefined) return { kind: 'fence', mark };
  const end = HTML.find(([begin]) => begin.test(line))?.[1];
  if (end !== undefined) return { kind: 'html', end };
  if (!follows && LONE_TAG.test(line)) return { kind: 'html', end: BLANK };
  return RULE.test(line) || (isUnderline && UNDERLINE.test(line)) ? 'none' : 'text';
}

function closesFence(line: string, mark: string): boolean {
  const close = /^ {0,3}(`{3,}|~{3,}) *$/.exec(line)?.[1];
  return close !== undefined && close[0] === mark[0] && close.length >= mark.length;
}

function indentOf(line: string): number {
  return /^ */.exec(line)?.[0].length ?? 0;
}

/** The line with spaces up to the next stop, of four columns each, for every tab. */
export function expandTabs(line: string): string {
  let added = 0;
  return line.replaceAll('\t', (_, at: number) => {
    const width = 4 - ((at + added) % 4);
    added += width - 1;
    return ' '.repeat(width);
  });
}
