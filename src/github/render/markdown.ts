import { cut } from '../../text/cut.ts';
import { isHarmless } from '../../text/harmless.ts';

/**
 * GitHub takes 65,535 characters; redaction may still add some.
 *
 * @internal
 */
export const MAX_BODY_LENGTH = 64_000;

/** Characters that are not seen, or turn a line around; not those that only choose how the one before them looks. */
const HIDDEN = /(?:(?![\uFE00-\uFE0F])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}])+/gu;
const HIDDEN_IN_BLOCK =
  /(?![\n\t])(?![\uFE00-\uFE0F])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** What Markdown and HTML give a meaning to. */
const ACTIVE = /[\\`*_{}[\]()<>#+!|~&$^=:-]/g;

/**
 * A text from anywhere as one line that shows it as it is written: nothing in it is Markdown, HTML, a mention, a link or a
 * command.
 */
export function inline(text: string, limit = 300): string {
  return (
    cut(oneLine(text), limit)
      .replaceAll(ACTIVE, (character) => `\\${character}`)
      // GitHub looks for the next five in the page that it made, where no backslash is left of `\#1`.
      .replaceAll('@', '@\u200b') // would call somebody
      .replaceAll(/\\#(?=\d)/g, '$&\u200b') // would leave a trace in an issue, or close it
      .replaceAll(/GH\\-(?=\d)/gi, '$&\u200b')
      .replaceAll(/www(?=\.)|(?:https?|ftp)\\:/gi, '$&\u200b')
      .replaceAll(/\\:(?=(?:[a-z0-9]|\\[_+-])+\\:)/gi, '$&\u200b') // would be a picture
      .replace(/^\//, '\u200b/') // a command begins so
      .replace(/^(\d+)\./, '$1\\.')
  );
}

/** What is seen of a text, as one line. */
function oneLine(text: string): string {
  return text.toWellFormed().replaceAll(HIDDEN, ' ').trim();
}

/**
 * A text from anywhere as code in a line; also in a table. GitHub may make a commit message of the body of a pull request, where
 * backticks mean nothing: what would act there is spelled out.
 */
export function code(text: string, limit = 200): string {
  const line = cut(oneLine(text), limit);
  if (line === '') return '` `';
  // In a table GitHub reads a bar even between backticks, and elsewhere it shows the backslash before one.
  if (line.includes('|') || !isHarmless(`\`${line}\``)) return codeElement(line);
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = longest > 0 ? ' ' : '';
  return `${fence}${pad}${line}${pad}${fence}`;
}

/** The same as HTML, which is all that counts in a line that begins with HTML: there nothing escapes and backticks mean nothing. */
export function codeElement(text: string, limit = 200): string {
  return `<code>${cut(oneLine(text), limit).replaceAll(PUNCTUATION, spellOut)}</code>`;
}

const PUNCTUATION = /[!-/:-@[-`{-~]/g;

function spellOut(character: string): string {
  return `&#x${(character.codePointAt(0) ?? 32).toString(16)};`; // `#64` would be a reference in a commit message
}

/** A text from anywhere as a block of code. No line of it begins with a slash: other bots look for commands in code, too. */
export function fenced(text: string, info = ''): string {
  const shown = text
    .toWellFormed()
    .replaceAll(HIDDEN_IN_BLOCK, '')
    .replaceAll(/^([ \t]*)\//gm, '$1\u200b/');
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${info}\n${shown.replace(/\n$/, '')}\n${fence}`;
}

/** The same for the body of a pull request, which may become a commit message: lines that would act there are spelled out. */
export function preformatted(text: string, language: string): string {
  const lines = text.toWellFormed().replaceAll(HIDDEN_IN_BLOCK, '').trimEnd().split('\n');
  const shown = lines.map((line) =>
    line.replaceAll(isHarmless(line.replaceAll(/\s+/g, ' ').trim()) ? /[&<>`]/g : PUNCTUATION, spellOut),
  );
  return `<pre lang="${language}"><code>${shown.join('\n')}\n</code></pre>`;
}

/** A table. The cells are Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(rowOf).join('\n');
}

/** A table without the columns that no row has anything in. */
export function filledTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const isFilled = head.map((_, column) => rows.some((cells) => (cells[column] ?? '') !== ''));
  const filled = (cells: readonly string[]): readonly string[] =>
    cells.filter((_, column) => isFilled[column]);
  return table(filled(head), rows.map(filled));
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Something that most readers pass by. The summary is HTML: what is foreign in it is a {@link codeElement}. */
export function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}

/** A part of a text, and how much is lost without it: 0 is never left out. */
export interface Section {
  readonly text: string;
  readonly rank: number;
  /** What it is called where it is left out. */
  readonly name: string;
}

/** The sections, in their order, as one text that GitHub takes: what matters most has room first, the rest is named. */
export function fit(sections: readonly Section[], ending = '', limit = MAX_BODY_LENGTH): string {
  const all = sections.filter(({ text }) => text !== '');
  const kept = new Set(all.filter(({ rank }) => rank === 0));
  const whole = (): string => {
    const left = all.filter((section) => !kept.has(section)).map(({ name }) => name);
    const note = left.length === 0 ? [] : [`_Left out, because GitHub takes no more: ${left.join(', ')}._`];
    const texts = all.filter((section) => kept.has(section)).map(({ text }) => text);
    return [...texts, ...note, ...(ending === '' ? [] : [ending])].join('\n\n');
  };
  for (const section of all.filter(({ rank }) => rank > 0).sort((a, b) => a.rank - b.rank)) {
    kept.add(section);
    if (whole().length > limit) kept.delete(section);
  }
  const text = whole();
  return text.length <= limit ? text : `${cut(text, limit - ending.length - 10)}\n\n${ending}`;
}

/** Some of these in a line, and how many more there are. */
export function listed(items: readonly string[], most: number): string {
  const more = items.length > most ? ` and ${items.length - most} more` : '';
  return `${items.slice(0, most).join(', ')}${more}`;
}

/** Rows of a table, as many as stay below a size; and how many are missing. */
export function rowsWithin<T>(
  items: readonly T[],
  limit: number,
  row: (item: T) => readonly string[],
): { readonly rows: readonly (readonly string[])[]; readonly missing: number } {
  const rows: (readonly string[])[] = [];
  let size = 0;
  for (const item of items) {
    const cells = row(item);
    size += cells.reduce((sum, cell) => sum + cell.length + 3, 2);
    if (size > limit) break;
    rows.push(cells);
  }
  return { rows, missing: items.length - rows.length };
}
