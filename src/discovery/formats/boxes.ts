import { ChooError } from '../../errors.ts';

/** A box of a task list, so that it is found again. */
export interface BoxPlace {
  /** From 1. */
  readonly line: number;
  /** The whole line as it was read, ticked or not, without its line break and a byte order mark. */
  readonly text: string;
}

/** The mark of a box, as in `- [ ] text`, with what stands before it. Never matches more than the start of a line. */
const MARK = /^((?:\uFEFF|\xef\xbb\xbf)?[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[)([ xX])\]/;

/** A line with its box empty; any other line as it is. */
export function withoutTick(line: string): string {
  return line.replace(MARK, '$1 ]');
}

function isTicked(line: string): boolean {
  return (MARK.exec(line)?.[2] ?? ' ') !== ' ';
}

/**
 * Ticks boxes and leaves every other byte. A line that moved is found by its text, the nearest one first. Throws a ChooError
 * (`conflict`) where a box is not there any more.
 */
export function tickBoxes(content: Uint8Array, boxes: readonly BoxPlace[]): Buffer {
  const lines = linesOf(content);
  let byText: ReadonlyMap<string, readonly number[]> | undefined;
  for (const { line, text } of boxes) {
    const wanted = textOf(Buffer.from(text).toString('latin1'));
    let at: number | undefined = line - 1;
    if (textOf(lines[at] ?? '') !== wanted) {
      byText ??= indexLines(lines);
      at = (byText.get(wanted) ?? []).toSorted((a, b) => Math.abs(a - line) - Math.abs(b - line))[0];
    }
    const found = at === undefined ? undefined : lines[at];
    if (at === undefined || found === undefined || !MARK.test(found))
      throw new ChooError('conflict', `there is no box \`${text.trim()}\` any more`, {
        hint: 'somebody changed the task list on the branch: put its line back, or tick it by hand',
      });
    lines[at] = tick(found);
  }
  return Buffer.from(lines.join('\n'), 'latin1');
}

/**
 * Merges two versions of a task list of which one changed only boxes since the base: the text of the other, with the boxes that
 * the one ticked or emptied. Undefined where both changed more than boxes. Linear.
 */
export function mergeBoxes(base: Uint8Array, one: Uint8Array, other: Uint8Array): Buffer | undefined {
  const [before, a, b] = [linesOf(base), linesOf(one), linesOf(other)];
  if (sameButBoxes(before, a)) return applyBoxes(before, a, b);
  return sameButBoxes(before, b) ? applyBoxes(before, b, a) : undefined;
}

function sameButBoxes(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => withoutTick(line) === withoutTick(b[index] ?? ''));
}

/** `onto` with the boxes that differ between `before` and `after`, each found by its text and how often that stood before it. */
function applyBoxes(before: readonly string[], after: readonly string[], onto: readonly string[]): Buffer {
  const changed = new Map<string, boolean>();
  const names = nameLines(after);
  for (const [index, line] of after.entries())
    if (isTicked(line) !== isTicked(before[index] ?? '')) changed.set(names[index] ?? '', isTicked(line));
  const places = nameLines(onto);
  const merged = onto.map((line, index) => {
    const isNow = changed.get(places[index] ?? '');
    return isNow === undefined || isNow === isTicked(line) ? line : isNow ? tick(line) : withoutTick(line);
  });
  return Buffer.from(merged.join('\n'), 'latin1');
}

function tick(line: string): string {
  return isTicked(line) ? line : line.replace(MARK, '$1x]');
}

function nameLines(lines: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return lines.map((line) => {
    const text = textOf(line);
    const before = seen.get(text) ?? 0;
    seen.set(text, before + 1);
    return `${before} ${text}`;
  });
}

function indexLines(lines: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (const [index, line] of lines.entries()) {
    const text = textOf(line);
    const known = places.get(text);
    if (known === undefined) places.set(text, [index]);
    else known.push(index);
  }
  return places;
}

/** Bytes as characters, so that nothing is lost that is no text. */
function linesOf(content: Uint8Array): string[] {
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1').split('\n');
}

/** What identifies a line: its text without a byte order mark, a carriage return and a tick. */
function textOf(line: string): string {
  return withoutTick(line)
    .replace(/^\xef\xbb\xbf/, '')
    .replace(/\r$/, '');
}
