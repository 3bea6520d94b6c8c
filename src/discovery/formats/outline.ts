/** One line of a task list. */
export interface OutlineLine {
  /** From 1. */
  readonly number: number;
  /** Without its line break. */
  readonly text: string;
  /** Columns before the first character; a tab counts as four. */
  readonly indent: number;
  /** Whether it lies in a fenced block or a comment, where nothing is a heading or a box. */
  readonly hidden: boolean;
  readonly heading?: { readonly level: number; readonly text: string };
  readonly box?: { readonly done: boolean; readonly optional: boolean; readonly text: string };
  /** Whether it looks like a box and is none. */
  readonly almostBox: boolean;
}

const BOX = /^(?:[-*+]|\d{1,9}[.)])[ \t]+\[([ xX])\](\*?)[ \t](.*)$/;
const ALMOST_BOX = /^[-*+][ \t]*\[[ xX~-]?\]/;
const HEADING = /^(#{1,6})[ \t](.*)$/;
const FENCE = /^(?:[-*+] )?(`{3,}|~{3,})/;

/** The lines of a Markdown task list with their headings and boxes. Linear; never throws. */
export function readOutline(text: string): readonly OutlineLine[] {
  let fence: string | undefined;
  let comment = false;
  return text.split('\n').map((raw, index) => {
    const line = (index === 0 ? raw.replace(/^\uFEFF/, '') : raw).replace(/\r$/, '');
    const bare = line.trimStart();
    const mark = comment ? undefined : FENCE.exec(bare)?.[1];
    const inside = fence !== undefined || comment;
    if (fence === undefined) {
      fence = mark;
      if (mark === undefined) comment = endsInComment(line, comment);
    } else if (mark?.[0] === fence[0] && (mark?.length ?? 0) >= fence.length) fence = undefined;
    const hidden = inside || mark !== undefined || bare.startsWith('<!--');
    const plain = { number: index + 1, text: line, indent: columns(line, bare), hidden, almostBox: false };
    if (hidden) return plain;
    const heading = HEADING.exec(line);
    if (heading !== null)
      return { ...plain, heading: { level: heading[1]?.length ?? 1, text: heading[2]?.trim() ?? '' } };
    const box = BOX.exec(bare);
    if (box === null) return { ...plain, almostBox: ALMOST_BOX.test(bare) };
    const [, tick = ' ', star = '', rest = ''] = box;
    return { ...plain, box: { done: tick !== ' ', optional: star !== '', text: rest.trim() } };
  });
}

function columns(line: string, bare: string): number {
  let width = 0;
  for (let at = 0; at < line.length - bare.length; at += 1) width += line[at] === '\t' ? 4 : 1;
  return width;
}

/** Whether a comment is open at the end of a line that began inside of one, or outside. */
function endsInComment(line: string, inside: boolean): boolean {
  const opened = line.lastIndexOf('<!--');
  const closed = line.lastIndexOf('-->');
  return opened === closed ? inside : opened > closed;
}
