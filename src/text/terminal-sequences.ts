const ESCAPE = '\u001b';
/** Parameters, intermediate bytes and the end of a control sequence (ECMA-48 §5.4). */
const CONTROL = /\[[0-?]{0,64}[ -/]{0,4}[@-~]/y;
/** What begins a string that ends with BEL or ST: of an operating system command (links, titles), and of devices. */
const STRING_STARTS = ']PX^_';
/** Control characters of eight bits that begin a sequence. */
const EIGHT_BITS = /[\u0080-\u009f]/g;

/**
 * A text without the sequences that a terminal would obey, and without what begins one whose end is missing. Linear, which
 * `stripVTControlCharacters` of Node is not: 20,000 links without an end take it five seconds, twice as many four times as long.
 */
export function stripSequences(text: string): string {
  if (!text.includes(ESCAPE)) return text.replaceAll(EIGHT_BITS, '');
  const ends = stringEnds(text);
  const parts: string[] = [];
  let at = 0;
  for (let start = text.indexOf(ESCAPE); start >= 0; start = text.indexOf(ESCAPE, at)) {
    parts.push(text.slice(at, start));
    at = endOfSequence(text, start + 1, ends);
  }
  parts.push(text.slice(at));
  return parts.join('').replaceAll(EIGHT_BITS, '');
}

function endOfSequence(text: string, second: number, ends: (from: number) => number | undefined): number {
  CONTROL.lastIndex = second;
  if (CONTROL.test(text)) return CONTROL.lastIndex;
  if (STRING_STARTS.includes(text[second] ?? ' ')) return ends(second) ?? second;
  return second;
}

/** Where the string ends that is open at a position. Positions only grow, so that the text is searched once. */
function stringEnds(text: string): (from: number) => number | undefined {
  const finders = ['\u0007', `${ESCAPE}\\`].map((terminator) => {
    let found = -1;
    return (from: number): number => {
      if (found < from) found = text.indexOf(terminator, from);
      if (found < 0) found = Number.POSITIVE_INFINITY;
      return found + terminator.length;
    };
  });
  return (from) => {
    const end = Math.min(...finders.map((find) => find(from)));
    return end === Number.POSITIVE_INFINITY ? undefined : end;
  };
}
