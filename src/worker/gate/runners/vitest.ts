import { block, isBlank, readMessage, say } from './message.ts';
import { FRAME, firstPlace, placeIn, toPlace } from './place.ts';
import { addCounts, type Failure, lastMark, numberBefore, type Runner } from './runner.ts';

const HEAD = /^ FAIL {2,}(\S.*)/;
/** What fails outside of any test. */
const ERRORS =
  /^⎯+ (?:Unhandled Errors?|Uncaught Exception|Unhandled Rejection|Unhandled Error|Startup Error|Unhandled Source Errors?|Failed Suites \d+) ⎯+$/;
const ALONE = /^(?:No test files found, exiting with code 1|No test suite found in file .+)$/;
const TOTAL = /^\s*Tests {2}(?=\d)(.+)$/;

export const vitest: Runner = {
  name: 'vitest',
  find: ({ lines }) => {
    const end = lastMark(lines, /^ FAIL {2}|^ {0,2}(?:Test Files|     Tests) {2}\d+ failed|^⎯{20}/, 0);
    return findFailed(lines, end) ?? findError(lines, end) ?? findAlone(lines);
  },
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const totals = TOTAL.exec(line)?.[1];
      if (totals === undefined) return undefined;
      return {
        passed: numberBefore(totals, 'passed'),
        failed: numberBefore(totals, 'failed'),
        skipped: numberBefore(totals, 'skipped') + numberBefore(totals, 'todo'),
      };
    }),
};

function findFailed(lines: readonly string[], end: number): Failure | undefined {
  let first: Failure | undefined;
  for (const [at, line] of lines.entries()) {
    const name = HEAD.exec(line)?.[1]
      ?.replace(/^\|[^|]*\| /, '')
      .trim();
    if (name === undefined) continue;
    // Tests that fail alike are named one after the other, above their message.
    const below = block(lines, at + 1, (each) => each.startsWith('⎯')).filter((each) => !HEAD.test(each));
    const message = joined(below);
    const [, file] = /^(\S+\.\w+)/.exec(name) ?? [];
    const place = placeBelow(below) ?? toPlace(file);
    const found = { text: say(name.replace(/ \[ \S+ \]$/, ''), message), place, end: Math.max(end, at) };
    // It may be named twice, the second time with its message.
    if (message !== undefined) return found;
    first ??= found;
  }
  return first;
}

function findError(lines: readonly string[], end: number): Failure | undefined {
  const at = lines.findIndex((line) => ERRORS.test(line));
  if (at === -1) return undefined;
  const start = lines.findIndex(
    (line, index) =>
      index > at && !isBlank(line) && !/^(?:⎯|Vitest caught |This might cause false)/.test(line),
  );
  if (start === -1) return undefined;
  const below = block(lines, start, (line) => line.startsWith('⎯'));
  return { text: joined(below) ?? lines[start] ?? '', place: placeBelow(below), end: Math.max(end, start) };
}

function findAlone(lines: readonly string[]): Failure | undefined {
  const at = lines.findIndex((line) => ALONE.test(line));
  return at === -1 ? undefined : { text: lines[at] ?? '', place: undefined, end: at };
}

/** The message up to the first blank line; with the next paragraph where it only announces that. */
function joined(lines: readonly string[]): string | undefined {
  const message = readMessage(lines, 0, (line) => !isBlank(line));
  if (message === undefined || !message.endsWith(':')) return message;
  const blank = lines.findIndex((line, index) => index > 0 && isBlank(line));
  const next = blank === -1 ? undefined : readMessage(lines, blank, (line) => !isBlank(line));
  return next === undefined ? message : `${message} ${next}`;
}

function placeBelow(lines: readonly string[]) {
  const rooted = lines.find((line) => /^\s*(?:At f|F)ile: \//.test(line))?.replace(': /', ': ');
  if (rooted !== undefined) return placeIn(rooted);
  const framed = firstPlace(lines, FRAME) ?? firstPlace(lines, /[╭┌][─-]\[/);
  return framed ?? placeIn(lines.find((line) => !isBlank(line)) ?? '');
}
