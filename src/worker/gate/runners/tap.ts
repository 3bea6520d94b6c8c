import { findCrash } from './crash.ts';
import { block, say } from './message.ts';
import { countOf } from './node-test.ts';
import { firstPlace, placeIn, toPlace } from './place.ts';
import { addCounts, lastMark, type Output, type Place, type Runner, toCount } from './runner.ts';

const NOT_OK = /^\s*not ok \d+\b(?: -)? ?(.*)$/;
const EXEMPT = /# (?:TODO|SKIP)\b/i;
const TOTAL = /^# (pass|fail|cancelled|skipped|todo) +(\d+)$/;
/** Maximum lines of comments that explain a failure. */
const COMMENT_LINES = 8;

/** The Test Anything Protocol: `node --test`, node-tap, tape, bats, Perl's Test::More. */
export const tap: Runner = {
  name: 'TAP',
  find: ({ lines }: Output) => {
    for (const [at, line] of lines.entries()) {
      const name = NOT_OK.exec(line)?.[1];
      if (name === undefined || EXEMPT.test(name)) continue;
      const details = detailsOf(lines, at);
      // A suite fails because of what it contains.
      if (details.yaml.some((each) => /^\s*failureType: 'subtestsFailed'$/.test(each))) continue;
      const isFile = /^'?test failed'?$/.test(details.message ?? '');
      const crash = isFile ? findCrash(lines.slice(0, at)) : undefined;
      return {
        text: say(name === '' ? 'a test without a name' : name, crash?.text ?? details.message),
        place: crash?.place ?? details.place,
        end: lastMark(lines, /^\s*not ok |^# fail +[1-9]/, at),
      };
    }
    const bail = lines.findIndex((line) => line.startsWith('Bail out!'));
    return bail === -1 ? undefined : { text: lines[bail] ?? '', place: undefined, end: bail };
  },
  count: ({ lines }) => {
    const totals = addCounts(lines, (line) => {
      const [, kind, number] = TOTAL.exec(line) ?? [];
      return kind === undefined ? undefined : countOf(kind, toCount(number));
    });
    if (totals !== undefined || !lines.some((line) => /^1\.\.\d+/.test(line))) return totals;
    return addCounts(lines, (line) => {
      const [, not, rest = ''] = /^(not )?ok \d+\b(.*)$/.exec(line) ?? [];
      if (!/^(?:not )?ok \d/.test(line)) return undefined;
      if (EXEMPT.test(rest)) return { skipped: 1 };
      return not === undefined ? { passed: 1 } : { failed: 1 };
    });
  },
};

interface Details {
  readonly yaml: readonly string[];
  readonly message: string | undefined;
  readonly place: Place | undefined;
}

/** What stands around the line of a failed test: YAML, or comments. */
function detailsOf(lines: readonly string[], at: number): Details {
  if (lines[at + 1]?.trim() === '---') {
    const yaml = block(lines, at + 2, (line) => line.trim() === '...' || NOT_OK.test(line));
    return { yaml, message: messageOf(yaml), place: placeOf(yaml) };
  }
  const comments = block(lines, at + 1, (line) => !/^\s*#/.test(line))
    .slice(0, COMMENT_LINES)
    .map((line) => line.replace(/^\s*#\s*/, ''));
  const words = comments.filter((line) => !/^Failed (?:TODO )?test\b|^at \S+ line \d+\.$/.test(line));
  const place = comments.map(placeInWords).find((each) => each !== undefined);
  return { yaml: [], message: words.length === 0 ? undefined : words.join(' '), place };
}

/** `(in test file sum.bats, line 4)`, `at t/sum.t line 5.` */
function placeInWords(line: string): Place | undefined {
  const [, file, row] =
    /in (?:test )?file (\S+), line (\d+)/.exec(line) ?? /\bat (\S+) line (\d+)\.?$/.exec(line) ?? [];
  return toPlace(file, row);
}

function messageOf(yaml: readonly string[]): string | undefined {
  const error = valueOf(yaml, 'error') ?? valueOf(yaml, 'message');
  if (error !== undefined) return error;
  const [expected, actual] = [valueOf(yaml, 'expected'), valueOf(yaml, 'actual')];
  return expected === undefined || actual === undefined ? undefined : `expected ${expected}, got ${actual}`;
}

function placeOf(yaml: readonly string[]): Place | undefined {
  const stack = yaml.findIndex((line) => /^\s*stack: /.test(line));
  const frame = stack === -1 ? undefined : firstPlace(yaml.slice(stack + 1));
  if (frame !== undefined) return frame;
  for (const key of ['at', 'location']) {
    const value = valueOf(yaml, key);
    const place =
      value === undefined ? undefined : (placeIn(`(${value.replace(/^\(|\)$/g, '')})`) ?? placeIn(value));
    if (place !== undefined) return place;
  }
  const [file, row] = [
    valueOf(yaml, 'fileName') ?? valueOf(yaml, 'file'),
    valueOf(yaml, 'lineNumber') ?? valueOf(yaml, 'line'),
  ];
  return toPlace(file, row, valueOf(yaml, 'columnNumber') ?? valueOf(yaml, 'column'));
}

/** The value of a key, in quotes or in the lines below it. */
function valueOf(yaml: readonly string[], key: string): string | undefined {
  const index = yaml.findIndex((line) => line.trimStart().startsWith(`${key}: `));
  const line = yaml[index];
  if (line === undefined) return undefined;
  const value = line
    .trimStart()
    .slice(key.length + 2)
    .trim();
  if (!/^[|>]-?$/.test(value)) return unquoted(value);
  const indent = indentOf(line);
  const rest = yaml.slice(index + 1);
  const end = rest.findIndex((each) => each.trim() !== '' && indentOf(each) <= indent);
  return rest.slice(0, end === -1 ? rest.length : end).join(' ');
}

function unquoted(value: string): string {
  if (value.length < 2) return value;
  if (value.startsWith("'") && value.endsWith("'")) return value.slice(1, -1).replaceAll("''", "'");
  return value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1).replaceAll('\\"', '"') : value;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
