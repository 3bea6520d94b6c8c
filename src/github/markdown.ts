/** GitHub takes 65,535 characters; redaction may still add some. */
export const MOST_CHARACTERS = 64_000;

/** Characters that are not seen, or turn a line around. */
const HIDDEN = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu;
/** What Markdown and HTML give a meaning to. */
const ACTIVE = /[\\`*_{}[\]()<>#+!|~&$^=:-]/g;

/**
 * A text from anywhere as one line that shows it as it is written: nothing in it is Markdown, HTML, a mention, a link or a
 * command.
 */
export function inline(text: string, limit = 300): string {
  const line = cut(text.replaceAll(HIDDEN, ' '), limit);
  return line
    .replaceAll(ACTIVE, (character) => `\\${character}`)
    .replaceAll('@', '@\u200b') // a mention would call somebody
    .replaceAll(/\b(www)\\?\.|(https?)\\:/gi, (match) => `${match}\u200b`)
    .replaceAll(/\b(GH)\\-(\d)/gi, '$1\\-\u200b$2')
    .replace(/^(\s*)\//, '$1\u200b/') // a command begins so
    .replace(/^(\s*\d+)([.)])/, '$1\\$2');
}

/** A text from anywhere as code in a line; also in a table. */
export function code(text: string, limit = 200): string {
  const line = cut(text.replaceAll(HIDDEN, ' '), limit).trim();
  if (line === '') return '` `';
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = longest > 0 ? ' ' : '';
  // In a table GitHub reads a bar even in code.
  return `${fence}${pad}${line.replaceAll('|', '\u2502')}${pad}${fence}`;
}

/** A text from anywhere as a block of code. */
export function fenced(text: string, info = ''): string {
  const shown = text.replaceAll(/[^\P{Cc}\n\t]|[\p{Cf}\u2028\u2029]/gu, '');
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${info}\n${shown.replace(/\n$/, '')}\n${fence}`;
}

/** A text from anywhere as a title: GitHub reads mentions there, and little else. */
export function plainTitle(text: string, limit = 200): string {
  const line = text.replaceAll(HIDDEN, ' ').replaceAll(/\s+/g, ' ').trim();
  return cut(line, limit).replaceAll('@', '@\u200b').replace(/^\//, '\u200b/');
}

/** A table. The cells are Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(rowOf).join('\n');
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Something that most readers pass by. */
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

/** The sections as one text that GitHub takes: what matters least goes first, and is named. */
export function fit(sections: readonly Section[], ending = ''): string {
  const kept = new Set(sections.filter(({ text }) => text !== ''));
  const left: string[] = [];
  const whole = (): string => {
    const note = left.length === 0 ? [] : [`_Left out, because GitHub takes no more: ${left.join(', ')}._`];
    return [...[...kept].map(({ text }) => text), ...note, ...(ending === '' ? [] : [ending])].join('\n\n');
  };
  const byRank = [...kept].filter(({ rank }) => rank > 0).sort((a, b) => b.rank - a.rank);
  for (const section of byRank) {
    if (whole().length <= MOST_CHARACTERS) break;
    kept.delete(section);
    left.push(section.name);
  }
  const text = whole();
  return text.length <= MOST_CHARACTERS
    ? text
    : `${text.slice(0, MOST_CHARACTERS - ending.length - 10)}\n\n…\n\n${ending}`;
}

/** The beginning of a text, and a sign where it is not the whole. */
export function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
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
