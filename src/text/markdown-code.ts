/** A range of a text: the offset of its first character, and the offset after its last. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The text of the first `# ` heading at or after `from` outside of code blocks. Linear in the text. */
export function findTitle(text: string, from: number): string | undefined {
  const heading = /^# +(\S.*)$/gm;
  heading.lastIndex = from;
  let match = heading.exec(text);
  const blocks =
    match !== null && /^ {0,3}(?:```|~~~)/m.test(text.slice(from, match.index))
      ? findCodeBlocks(text, from)
      : [];
  while (match !== null && isInside(blocks, match.index)) match = heading.exec(text);
  return match?.[1]?.trim();
}

/** The fenced code blocks at or after `from`, fences included, in order. An unclosed one reaches the end. Linear. */
export function findCodeBlocks(text: string, from: number): readonly Range[] {
  const fence = /^ {0,3}(`{3,}(?=[^`\n]*$)|~{3,})/gm;
  const blocks: Range[] = [];
  let open: { readonly start: number; readonly mark: string } | undefined;
  fence.lastIndex = from;
  for (let match = fence.exec(text); match !== null; match = fence.exec(text)) {
    const mark = match[1] ?? '';
    if (open === undefined) {
      open = { start: match.index, mark };
    } else if (
      mark[0] === open.mark[0] &&
      mark.length >= open.mark.length &&
      isBlankToLineEnd(text, fence.lastIndex)
    ) {
      blocks.push({ start: open.start, end: fence.lastIndex });
      open = undefined;
    }
  }
  if (open !== undefined) blocks.push({ start: open.start, end: text.length });
  return blocks;
}

/** The code spans (`` `so` ``) within one line, backticks included, in order. Linear. */
export function findCodeSpans(line: string): readonly Range[] {
  const runs = [...line.matchAll(/`+/g)].map((run) => ({ start: run.index, length: run[0].length }));
  const partner = new Map<number, number>(); // index of a run -> index of the next run of the same length
  const nextOfLength = new Map<number, number>();
  for (let index = runs.length - 1; index >= 0; index -= 1) {
    const length = runs[index]?.length ?? 0;
    const next = nextOfLength.get(length);
    if (next !== undefined) partner.set(index, next);
    nextOfLength.set(length, index);
  }
  const spans: Range[] = [];
  for (let index = 0; index < runs.length; index += 1) {
    const opening = runs[index];
    const closing = runs[partner.get(index) ?? -1];
    if (opening === undefined || closing === undefined) continue;
    spans.push({ start: opening.start, end: closing.start + closing.length });
    index = partner.get(index) ?? index;
  }
  return spans;
}

/** Whether `offset` lies in one of the ranges, which are in order and do not overlap. */
export function isInside(ranges: readonly Range[], offset: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.end ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range.start <= offset;
}

function isBlankToLineEnd(text: string, offset: number): boolean {
  const end = text.indexOf('\n', offset);
  return text.slice(offset, end < 0 ? text.length : end).trim() === '';
}
