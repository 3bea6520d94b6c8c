import stringWidth from 'fast-string-width';
import { pad, type Paint, truncate } from '../src/text/terminal-layout.ts';

/** The terminal that a page is shown on; the width is in columns. */
export interface PageMedium {
  readonly width: number;
  readonly paint: Paint;
}

/** Renders Markdown of choo for a terminal, close to what GitHub shows: tables in columns, no diagrams. Lines fit the width. */
export function renderPage(markdown: string, { width, paint }: PageMedium): string {
  const lines: string[] = [];
  let table: string[][] = [];
  let fence: string | undefined;
  const flush = (): void => {
    if (table.length > 0) lines.push(...renderTable(table, width, paint));
    table = [];
  };
  for (const line of plain(markdown).split('\n')) {
    const mark = /^(`{3,})(\w*)$/.exec(line);
    if (fence !== undefined) {
      if (mark?.[1] === fence.split(' ')[0]) fence = undefined;
      else if (!fence.endsWith('mermaid')) lines.push(paint('dim', truncate(`    ${line}`, width)));
      continue;
    }
    if (line.startsWith('|')) {
      const cells = line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => inlineText(cell.trim()));
      if (!cells.every((cell) => cell === '---')) table.push(cells);
      continue;
    }
    flush();
    if (mark !== null) {
      fence = `${mark[1]} ${mark[2]}`;
      if (mark[2] === 'mermaid') lines.push(paint('dim', '[the graph, drawn by GitHub]'));
    } else if (line.startsWith('#')) lines.push(paint('bold', inlineText(line.replace(/^#+ /, ''))));
    else lines.push(...wrap(inlineText(line), width));
  }
  flush();
  return lines
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

const FENCE = '`'.repeat(8);

/** Removes hidden comments and the tags of folded sections, and makes fences of preformatted blocks. */
function plain(markdown: string): string {
  return markdown
    .replaceAll(
      /<pre lang="(\w*)"><code>([\s\S]*?)\n?<\/code><\/pre>/g,
      (_, language: string, text: string) => `${FENCE}${language}\n${decoded(text)}\n${FENCE}`,
    )
    .replaceAll(/<code>(.*?)<\/code>/g, (_, text: string) => `\`${decoded(text)}\``)
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .replaceAll(/<details><summary>(.*?)<\/summary>/g, '▾ $1')
    .replaceAll('</details>', '');
}

/** Text with its entities read, as a browser shows it. */
function decoded(text: string): string {
  return text
    .replaceAll(/&#x([0-9a-f]{1,6});/gi, (_, digits: string) => String.fromCodePoint(parseInt(digits, 16)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

const CODE = /(?<![`\\])(`+)(?!`)(.*?)(?<!`)\1(?!`)/g;

/** A line without its Markdown marks. Text between backticks stays as it is. */
function inlineText(text: string): string {
  const codes: string[] = [];
  const rest = text.replaceAll(CODE, (_, _ticks, code: string) => {
    codes.push(code.replace(/^ (.*\S.*) $/, '$1'));
    return '\0';
  });
  return rest
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/\*\*|(?<!\\)[`_*]/g, '')
    .replaceAll(/\\(.)/g, '$1')
    .replaceAll('\0', () => codes.shift() ?? '')
    .replaceAll('\u200b', '');
}

function renderTable(rows: readonly (readonly string[])[], width: number, paint: Paint): string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.min(28, Math.max(...rows.map((row) => stringWidth(row[column] ?? '')))),
  );
  return rows.map((row, index) => {
    const line = truncate(
      row.map((cell, column) => pad(truncate(cell, widths[column] ?? 0), widths[column] ?? 0)).join('  '),
      width,
    ).trimEnd();
    return index === 0 ? paint('dim', line) : line;
  });
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && stringWidth(last) + 1 + stringWidth(word) > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => truncate(line, width));
}
