/** The checkboxes in the text of a unit's pull request, by what ticking one asks for. */
const BOXES = {
  update: 'Bring this branch up to date',
  resolve: 'Resolve the conflict with an agent',
} as const;
export type Box = keyof typeof BOXES;

/** The identifier of the button of a unit's check that asks for the same as the box `resolve`. */
export const RESOLVE_BUTTON = 'resolve';

const BOX = /^[-*] \[(?<mark>[ xX])\] (?<label>.*)/;

/** A box in Markdown, on a line of its own. */
export function boxLine(box: Box): string {
  return `- [ ] ${BOXES[box]}`;
}

/**
 * The boxes that an edit of a text ticked: they were there, and open. The first line of each counts: choo's own stand before any
 * text of others.
 */
export function tickedBoxes(before: string, after: string): readonly Box[] {
  return (Object.keys(BOXES) as Box[]).filter(
    (box) => isTicked(before, box) === false && isTicked(after, box) === true,
  );
}

/** Undefined: there is no such box. */
function isTicked(text: string, box: Box): boolean | undefined {
  const lines = text.split('\n').map((line) => BOX.exec(line)?.groups);
  const mark = lines.find((line) => line?.['label']?.trimEnd() === BOXES[box])?.['mark'];
  return mark === undefined ? undefined : mark !== ' ';
}
