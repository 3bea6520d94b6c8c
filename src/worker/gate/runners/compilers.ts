import { placeIn, toPlace } from './place.ts';
import { lastMark, type Runner } from './runner.ts';

const TSC = /^(?:(\S.*)[(:](\d+)[,:](\d+)\)?(?:: | - ))?error TS\d+: /;

export const tsc: Runner = {
  name: 'tsc',
  find: ({ lines }) => {
    const at = lines.findIndex((line) => TSC.test(line));
    if (at === -1) return undefined;
    const [, file, row, column] = TSC.exec(lines[at] ?? '') ?? [];
    return {
      text: lines[at] ?? '',
      place: toPlace(file, row, column),
      end: lastMark(lines, /(?:^|: | - )error TS\d+: |^Found \d+ errors?/, at),
    };
  },
};

/** `file:line:column: severity: message`, without one of its parts at times. */
const POSITIONED =
  /^(?:\[\w+\] )?((?:[A-Za-z]:)?[^\s:()]+):(\d+)(?::(\d+))?(?:-\d+(?::\d+)?)?:? (?:- )?(\S.*)/;
const SEVERITY =
  /^(?:\[?(fatal error|error|warning|note|info|information|remark|style|help|hint|convention|refactor)\]?)\b(?::| |$)/i;
/** `E501 line too long`, `MD009/no-trailing-spaces`: the code of a rule. */
const RULE = /^[A-Z]{1,6}\d{2,6}\b/;
/** `[ERROR] Sum.java:[3,5] message`, as Maven prints what the compiler says. */
const MAVEN = /^\[ERROR\] (\S+\.\w+):\[(\d+),(\d+)\] (.+)$/;
const LINKER =
  /^(?:\S*\/)?ld(?:\.\w+)?: (?!.* in function )|: undefined reference to |^(?:collect2|clang|ld): error: (?!linker command failed|ld returned)/;
/** Ruff's long form: the rule and the message, the position below. */
const UNDEFINED = /^(?:\S+: )?(\S+\.\w+):\(\.text/;
const RUFF = /^([A-Z]{1,5}\d{2,5}|invalid-syntax|SyntaxError)(?: \[\*\])?:? .+$/;

/** Compilers and linters that print `file:line:column: message`: gcc, clang, javac, ruff, flake8, mypy, shellcheck and many more. */
export const compiler: Runner = {
  name: 'compiler or linter',
  find: ({ lines }) => {
    const at = lines.findIndex((line, index) => isProblem(line, lines[index + 1] ?? ''));
    if (at === -1) return undefined;
    const line = lines[at] ?? '';
    const end = lines.findLastIndex((each, index) => isProblem(each, lines[index + 1] ?? ''));
    const maven = MAVEN.exec(line);
    if (maven !== null) return { text: maven[4] ?? line, place: toPlace(maven[1], maven[2], maven[3]), end };
    const [, file, row, column] = POSITIONED.exec(line) ?? [];
    const linked = UNDEFINED.exec(line);
    if (linked !== null) return { text: line, place: toPlace(linked[1]), end };
    const place = RUFF.test(line) ? placeIn(lines[at + 1] ?? '') : toPlace(file, row, column);
    return { text: line, place, end };
  },
};

function isProblem(line: string, next: string): boolean {
  if (MAVEN.test(line) || LINKER.test(line)) return true;
  if (RUFF.test(line)) return /^\s*--> \S+:\d+:\d+$/.test(next);
  const [, file = '', , column, message = ''] = POSITIONED.exec(line) ?? [];
  if (!file.includes('.') || /^(?:\d|https?$|node$)/.test(file)) return false;
  const [, severity] = SEVERITY.exec(message) ?? [];
  if (severity !== undefined) return /error/i.test(severity);
  // Without a severity the column or the code of a rule shows that it is no line of a log.
  return (
    /^[\w./\\@+-]+\.[A-Za-z]\w*$/.test(file) &&
    (column !== undefined ? !/^\d/.test(message) : RULE.test(message))
  );
}

const MAKE = /^(?:\S*\/)?g?make(?:\[\d+\])?: \*\*\* (.+)$/;
const MAKEFILE = /^(\S+):(\d+): \*\*\* (.+)$/;
/** A command of a rule failed: what it printed is the reason. */
const RECIPE = /^\[.*\] (?:Error \d+|\w+)|^Waiting for unfinished jobs/;

/** GNU make: what is wrong with its rules. Of a command that failed, the command has said why. */
export const make: Runner = {
  name: 'make',
  find: ({ lines }) => {
    const at = lines.findIndex(
      (line) => MAKEFILE.test(line) || (MAKE.test(line) && !RECIPE.test(MAKE.exec(line)?.[1] ?? '')),
    );
    if (at === -1) return undefined;
    const [, file, row] = MAKEFILE.exec(lines[at] ?? '') ?? [];
    return { text: (lines[at] ?? '').replace(/ {2}Stop\.$/, ''), place: toPlace(file, row), end: at };
  },
};
