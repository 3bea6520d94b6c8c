import { firstPlace, placeIn, toPlace } from './place.ts';
import { lastMark, type Runner } from './runner.ts';

const PROBLEM = /^\s{1,4}(\d+):(\d+)\s+(error|warning|✖|×|⚠)\s+(\S.*)$/;
const TOTAL = /^✖ \d+ problems? \((\d+) errors?, \d+ warnings?\)/;
/** Why it did not look at any file. */
const ALONE =
  /^(?:ESLint couldn't find |No files matching (?:the pattern )?|All files matched by |Error: (?:Cannot find|Could not find|Failed to load) |Invalid option '|ESLint found too many warnings)/;
const OOPS = 'Oops! Something went wrong! :(';

/** ESLint, also its forms `unix` and `compact`, and linters that print as it does: stylelint, standard. */
export const eslint: Runner = {
  name: 'eslint',
  find: ({ lines }) => {
    const total = lastMark(lines, TOTAL, -1);
    const errors = Number(TOTAL.exec(lines[total] ?? '')?.[1] ?? '1');
    const at = lines.findIndex((line) => {
      const severity = PROBLEM.exec(line)?.[3];
      return severity !== undefined && (errors === 0 || (severity !== 'warning' && severity !== '⚠'));
    });
    if (at === -1) return findAlone(lines);
    const [, row, column, , words = ''] = PROBLEM.exec(lines[at] ?? '') ?? [];
    const file =
      lines
        .slice(0, at)
        .findLast((line) => /^\S/.test(line))
        ?.trim() ?? '';
    const place = toPlace(file, row, column);
    // With nothing but warnings it fails only where their number is limited.
    if (errors === 0 && !lines.some((line) => line.startsWith('ESLint found too many warnings')))
      return undefined;
    const text = withRule(words);
    return { text: `${place?.file ?? file}:${row}:${column}: ${text}`, place, end: Math.max(total, at) };
  },
};

/** The rule stands behind the message, in a column of its own. */
function withRule(words: string): string {
  const at = words.lastIndexOf('  ');
  return at === -1 ? words : `${words.slice(0, at).trimEnd()} (${words.slice(at).trim()})`;
}

function findAlone(lines: readonly string[]) {
  const compact = lines.findIndex(
    (line) => /: line \d+, col \d+, Error - /.test(line) || / \[Error(?:\/[\w@/-]+)?\]$/.test(line),
  );
  if (compact !== -1) {
    const line = lines[compact] ?? '';
    const [, row, column] = /: line (\d+), col (\d+), /.exec(line) ?? [];
    const place = row === undefined ? placeIn(line) : toPlace(line.split(': line ')[0], row, column);
    return { text: line, place, end: lastMark(lines, /^\d+ problems?$/, compact) };
  }
  const oops = lines.indexOf(OOPS);
  const at = lines.findIndex((line, index) => index > oops && ALONE.test(line));
  if (at !== -1 && (oops !== -1 || !(lines[at] ?? '').startsWith('Error: ')))
    return { text: lines[at] ?? '', place: undefined, end: at };
  if (oops === -1) return undefined;
  const start = lines.findIndex((line, index) => index > oops && line !== '' && !line.startsWith('ESLint: '));
  return start === -1
    ? undefined
    : { text: lines[start] ?? '', place: firstPlace(lines.slice(start, start + 20)), end: start };
}

const CROSS = /^\s*[×x] (\S.*)$/;
const BOX = /^\s*[╭┌][─-]\[ ?(\S+?):(\d+):(\d+) ?\]/;

/** Linters and compilers that draw a box around the source: oxlint, oxc, swc, rolldown. */
export const boxed: Runner = {
  name: 'compiler or linter',
  find: ({ lines }) => {
    const box = lines.findIndex(
      (line, index) =>
        BOX.test(line) && lines.slice(Math.max(0, index - 3), index).some((each) => CROSS.test(each)),
    );
    if (box === -1) return undefined;
    const [, file, row, column] = BOX.exec(lines[box] ?? '') ?? [];
    const title = lines.slice(Math.max(0, box - 3), box).findLast((line) => CROSS.test(line));
    return {
      text: CROSS.exec(title ?? '')?.[1] ?? '',
      place: toPlace(file, row, column),
      end: lastMark(lines, BOX, box),
    };
  },
};
