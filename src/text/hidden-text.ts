import { findHiddenMarkdown, type HiddenSpan, mayHide } from './hidden-markdown.ts';
import { expandTabs } from './markdown-blocks.ts';

/** Text that an agent reads but a reviewer of the rendered page does not see. */
export interface HiddenText {
  readonly offset: number;
  /** Its description for a message, with the code point. */
  readonly what: string;
}

/** More findings in one text are not reported. */
const MAX_FINDINGS = 10;
/** The longest Markdown that is looked through for findings, which needs a hundred times its memory. UTF-16 code units. */
const MAX_MARKDOWN = 32 * 1024;

// Characters that no font draws (zero-width and blank letters, fillers, bidirectional controls, tag letters that spell
// ASCII), except variation selectors, which only change how the character before them looks; line separators; control
// characters.
const INVISIBLE =
  /(?![\uFE00-\uFE0F])\p{Default_Ignorable_Code_Point}|[\u2028\u2029\uFFF9-\uFFFB]|(?![\t\n\r])\p{Cc}/gu;
const PLAIN_TEXT = /^[\t\n\r\x20-\x7e]*$/;
const BIDIRECTIONAL = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/;
const JOINER = '\u200D';

/**
 * Finds hidden characters anywhere, and what Markdown from `markdownFrom` on hides; of a long text, or beyond the budget (UTF-16
 * code units, from which the text is taken), only that it was not looked through. Linear.
 */
export function findHiddenText(
  text: string,
  markdownFrom: number,
  budget: { markdown: number } = { markdown: MAX_MARKDOWN },
): readonly HiddenText[] {
  const found = [...findInvisible(text), ...findInMarkdown(text, markdownFrom, budget)];
  return found.sort((a, b) => a.offset - b.offset).slice(0, MAX_FINDINGS);
}

/** Removes from Markdown what a reviewer of the rendered page does not see; the rest is safe to give to an agent. */
export function stripHidden(text: string): string {
  const spans = Map.groupBy(findHiddenMarkdown(text), ({ line }) => line);
  if (spans.size === 0) return withoutHidden(text);
  const lines = text.split(/\r\n|\n|\r/).flatMap((line, number) => {
    const hidden = spans.get(number);
    if (hidden === undefined) return [line];
    const rest = cutOut(expandTabs(line), hidden);
    return rest.trim() === '' ? [''] : [rest];
  });
  return withoutHidden(lines.join('\n'));
}

function cutOut(line: string, spans: readonly HiddenSpan[]): string {
  let shown = '';
  let from = 0;
  for (const { start, end } of spans) {
    shown += line.slice(from, Math.max(from, start));
    from = Math.max(from, end);
  }
  return shown + line.slice(from);
}

/** One finding for each thing that is hidden, however many lines it has. */
function findInMarkdown(text: string, from: number, budget: { markdown: number }): readonly HiddenText[] {
  const markdown = text.slice(from);
  if (!mayHide(markdown)) return [];
  const { length } = markdown;
  if (length > Math.min(MAX_MARKDOWN, budget.markdown)) {
    const kibibytes = Math.round(length / 1024);
    return [
      {
        offset: from,
        what: `what ${kibibytes} Ki characters of Markdown may hide, too many to look through`,
      },
    ];
  }
  budget.markdown -= length;
  const spans = findHiddenMarkdown(markdown);
  if (spans.length === 0) return [];
  const starts = lineStarts(text, from);
  const found: HiddenText[] = [];
  let before: HiddenSpan | undefined;
  for (const span of spans) {
    const offset = Math.min((starts[span.line] ?? 0) + span.start, text.length);
    const follows =
      before?.what === span.what && (span.line === before.line ? span.start <= before.end : span.start === 0);
    before = span;
    if (follows && !BEGINNING.test(text.slice(offset, offset + 4))) continue;
    if (found.length === MAX_FINDINGS) break;
    found.push({ offset, what: span.what });
  }
  return found;
}

/** What a comment, another piece of markup or a definition begins with. */
const BEGINNING = /^(?:<!|<\?| {0,3}\[)/;

function lineStarts(text: string, from: number): readonly number[] {
  return [
    from,
    ...text
      .slice(from)
      .matchAll(/\r\n|\n|\r/g)
      .map((end) => from + end.index + end[0].length),
  ];
}

/** Removes every hidden character but line ends and tabs. */
export function withoutHidden(text: string): string {
  return text.replaceAll(INVISIBLE, (character, offset: number) =>
    isEmojiJoiner(text, offset) ? character : '',
  );
}

/** Spells out every hidden character (`U+202E`), so that the text is safe on a terminal and honest on a page. */
export function spellOutHidden(text: string): string {
  if (PLAIN_TEXT.test(text) && !/[\n\r\t]/.test(text)) return text;
  return text
    .replaceAll('\r', '\\r')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', ' ')
    .replaceAll(INVISIBLE, (character, offset: number) =>
      isEmojiJoiner(text, offset) ? character : `<${codePointName(character)}>`,
    );
}

/** Escapes every hidden character in JSON text, without changing its meaning. */
export function escapeHiddenInJson(json: string): string {
  return json.replaceAll(INVISIBLE, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

function findInvisible(text: string): HiddenText[] {
  if (PLAIN_TEXT.test(text)) return [];
  const found: HiddenText[] = [];
  for (const match of text.matchAll(INVISIBLE)) {
    if (found.length === MAX_FINDINGS) break;
    const character = match[0];
    if (match.index === 0 && character === '\uFEFF') continue; // a byte order mark
    if (isEmojiJoiner(text, match.index)) continue;
    found.push({ offset: match.index, what: `${describe(character)} (${codePointName(character)})` });
  }
  return found;
}

/** Whether a joiner stands between two pictographs, which it combines into one; that hides nothing. */
function isEmojiJoiner(text: string, offset: number): boolean {
  if (text[offset] !== JOINER) return false;
  return (
    /[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]$/u.test(
      text.slice(Math.max(0, offset - 2), offset),
    ) && /^\p{Extended_Pictographic}/u.test(text.slice(offset + 1, offset + 3))
  );
}

function describe(character: string): string {
  if (BIDIRECTIONAL.test(character)) return 'a bidirectional control';
  return /[\u0000-\u001F\u007F-\u009F]/.test(character) ? 'a control character' : 'an invisible character';
}

function codePointName(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
