import stringWidth from 'fast-string-width';
import type { Position } from '../../problems/problem.ts';
import { printable, truncate } from '../../text/terminal-layout.ts';

/** How far a line is shown before the place that matters. Columns. */
const BEFORE = 40;

/** The line of a text at a place, with a caret below the column; undefined when the text has no such line, or an empty one. */
export function excerpt(text: string, { line, column }: Position, width: number): string | undefined {
  const lines = text.split('\n', line);
  const source = lines[line - 1]?.replace(/^\uFEFF/, '').trimEnd();
  if (source === undefined || source === '') return undefined;
  const caret = Math.min(column - 1, source.length);
  const skipped = caret > BEFORE ? caret - BEFORE : 0;
  const before = printable(source.slice(skipped, caret));
  const lead = `${String(line).padStart(5)} | ${skipped > 0 ? '…' : ''}`;
  const shown = lead + before + printable(source.slice(caret));
  return `${truncate(shown, width)}\n${' '.repeat(5)} | ${' '.repeat(stringWidth(before) + (skipped > 0 ? 1 : 0))}^`;
}
