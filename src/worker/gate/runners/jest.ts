import { block, isBlank, readMessage, say } from './message.ts';
import { firstPlace, FRAME, toPlace } from './place.ts';
import { addCounts, type Failure, lastMark, numberBefore, type Place, type Runner } from './runner.ts';

const HEAD = /^ {2}● (?!Console$)(?!Deprecation Warning|Validation Warning|Multiple configurations)(.+)$/;
const FILE = /^FAIL (?:.+ )?([^\s()]+\.\w+)(?: \([\d.]+ m?s\))?$/;
const ALONE =
  /^(?:No tests found, exiting with code 1|● Validation Error:|● Multiple configurations found:)$|^Jest: \S+ coverage threshold for /;
const TOTAL = /^Tests: {2,}(\S.*)/;
/** Words that only introduce the error of a file that cannot be read. */
const INTRODUCTION = /^(?:Jest encountered an unexpected token|Jest failed to parse)/;
const SYNTAX = /^\s*(SyntaxError: .+)$/;

export const jest: Runner = {
  name: 'jest',
  find: ({ lines }) => {
    const end = lastMark(lines, /^(?:Tests|Test Suites): .*\d failed|^ {2}● |^FAIL /, 0);
    return findFailed(lines, end) ?? findAlone(lines);
  },
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const totals = TOTAL.exec(line)?.[1];
      if (totals === undefined || !totals.includes('total')) return undefined;
      return {
        passed: numberBefore(totals, 'passed'),
        failed: numberBefore(totals, 'failed'),
        skipped: numberBefore(totals, 'skipped') + numberBefore(totals, 'todo'),
      };
    }),
};

function findFailed(lines: readonly string[], end: number): Failure | undefined {
  const at = lines.findIndex((line) => HEAD.test(line));
  if (at === -1) return undefined;
  const name = HEAD.exec(lines[at] ?? '')?.[1] ?? '';
  const below = block(lines, at + 1, (line) => /^ {2}● |^\S/.test(line));
  const file = lines.slice(0, at).findLast((line) => FILE.test(line));
  const ofFile = toPlace(FILE.exec(file ?? '')?.[1]);
  const syntax = below.find((line) => SYNTAX.test(line));
  const words = readMessage(below, 0, (line) => isBlank(line) || line.startsWith('    '));
  if (syntax !== undefined && (words === undefined || INTRODUCTION.test(words))) {
    const text = SYNTAX.exec(syntax)?.[1] ?? '';
    return {
      text: say(ofFile?.file ?? name, text),
      place: placeOfSyntax(text) ?? firstPlace(below) ?? ofFile,
      end,
    };
  }
  const place =
    firstPlace(below, FRAME) ?? (words === undefined ? undefined : placeOfSyntax(words)) ?? ofFile;
  return {
    text: say(name === 'Test suite failed to run' ? (ofFile?.file ?? name) : name, words),
    place,
    end,
  };
}

/** `SyntaxError: src/a.js: Unexpected token (3:5)`. */
function placeOfSyntax(text: string): Place | undefined {
  const [, file] = /^SyntaxError: (\S+): /.exec(text) ?? [];
  const [, line, column] = /\((\d+):(\d+)\)/.exec(text.slice(0, 1_000)) ?? [];
  // Babel counts columns from 0.
  return line === undefined ? undefined : toPlace(file, line, String(Number(column) + 1));
}

function findAlone(lines: readonly string[]): Failure | undefined {
  const at = lines.findIndex((line) => ALONE.test(line));
  if (at === -1) return undefined;
  const text = lines[at] ?? '';
  const more = text.endsWith(':') ? readMessage(lines, at + 1, (line) => line.startsWith('  ')) : undefined;
  return {
    text: text.replace(/^● /, '') + (more === undefined ? '' : ` ${more}`),
    place: undefined,
    end: at,
  };
}
