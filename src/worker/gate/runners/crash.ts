import { ERROR, readMessage } from './message.ts';
import { firstPlace, FRAME, placeIn, toPlace } from './place.ts';
import type { Failure, Place, Runner } from './runner.ts';

/** Maximum distance between an error and the place where it was thrown. Lines. */
const AROUND = 40;
const TRACEBACK = 'Traceback (most recent call last):';
/** The last line of a traceback: the class of the exception, and its message. */
const RAISED = /^[A-Za-z_][\w.]*(?:: .*)?$/;
const PYTHON_FRAME = /^\s*File "([^"]+)", line (\d+)/;

/** One way of printing the error that ended a program: its first line, and what follows from it. */
interface Language {
  readonly mark: RegExp;
  readonly read: (found: RegExpExecArray, lines: readonly string[], at: number) => Omit<Failure, 'end'>;
}

const LANGUAGES: readonly Language[] = [
  // Go, and Rust; its older form has the message in the first line.
  {
    mark: /^(panic: (?!\[).+|fatal error: (?!.* file not found).+)$/,
    read: ([, text = ''], lines, at) => ({
      text: text.replace(/ \[recovered\]$/, ''),
      place: firstPlace(lines.slice(at + 1, at + AROUND), /^\t\S+\.go:\d/),
    }),
  },
  {
    mark: /^thread '([^']*)' (?:\(\d+\) )?panicked at (?:'(.*)', )?(\S+\.rs):(\d+):(\d+):?$/,
    read: ([, thread = '', text, ...place], lines, at) => ({
      text: `${thread}: ${text ?? readMessage(lines, at + 1, (line) => line.trim() !== '') ?? 'panicked'}`,
      place: toPlace(...(place as [string, string, string])),
    }),
  },
  // Java and Kotlin; C#
  {
    mark: /^Exception in thread "[^"]*" (.+)$/,
    read: ([, text = ''], lines, at) => ({ text, place: placeOfJava(lines.slice(at + 1, at + AROUND)) }),
  },
  {
    mark: /^Unhandled exception\. (.+)$/,
    read: ([, text = ''], lines, at) => ({
      text,
      place: lines
        .slice(at + 1, at + AROUND)
        .map(placeOfDotNet)
        .find((each) => each !== undefined),
    }),
  },
  // assert.h
  {
    mark: /^(?:[\w./-]+: )?([\w./-]+):(\d+): .*Assertion [`']/,
    read: ([, file, line], lines, at) => {
      const words = lines[at] ?? '';
      return { text: words.slice(words.lastIndexOf('Assertion ')), place: toPlace(file, line) };
    },
  },
  // Ruby, PHP
  {
    mark: /^(\S+\.rb):(\d+):in [`'](?:[^']*)': (.+ \([\w:]+\))$/,
    read: ([, file, line, text = '']) => ({ text, place: toPlace(file, line) }),
  },
  {
    mark: /^(?:PHP )?((?:Parse|Fatal) error: .+)$/,
    read: ([, words = '']) => {
      const at = Math.max(words.lastIndexOf(' in '), 0);
      const [, file, line] = /^ in (\S+?)(?: on line |:)(\d+)$/.exec(words.slice(at)) ?? [];
      const text = (file === undefined ? words : words.slice(0, at)).replace(/: {2,}/, ': ');
      return { text, place: toPlace(file, line) };
    },
  },
];

/** The last error of JavaScript or Python that was printed with its class: its message, and where it was thrown. */
export function findCrash(lines: readonly string[]): Failure | undefined {
  const traceback = findTraceback(lines);
  const at = lines.findLastIndex((line) => ERROR.test(line));
  if (traceback !== undefined && traceback.end >= at) return traceback;
  if (at === -1) return undefined;
  const text = readMessage(lines, at, () => true)?.replaceAll(/^# /gm, '') ?? lines[at] ?? '';
  const end = lastFrame(lines, at);
  return { text: text.replace(/^Uncaught /, ''), place: placeOfError(lines, at), end };
}

/** A program that ended with an error and its stack. */
export const crash: Runner = {
  name: 'crash',
  find: ({ lines }) => {
    const others = LANGUAGES.flatMap(({ mark, read }) => {
      const at = lines.findIndex((line) => mark.test(line));
      const found = mark.exec(lines[at] ?? '');
      return found === null ? [] : [{ ...read(found, lines, at), end: at }];
    });
    const found = findCrash(lines);
    const hasStack = found !== undefined && lines[found.end] !== undefined && isTrace(lines, found.end);
    const all = [...others, ...(hasStack ? [found] : [])];
    return all.sort((a, b) => b.end - a.end)[0];
  },
};

function isTrace(lines: readonly string[], end: number): boolean {
  return FRAME.test(lines[end] ?? '') || RAISED.test(lines[end] ?? '');
}

function lastFrame(lines: readonly string[], from: number): number {
  const near = lines.slice(from, from + 2 * AROUND);
  const frame = near.findLastIndex((line) => FRAME.test(line));
  return frame === -1 ? from : from + frame;
}

/** The first frame below an error; for one of syntax, the position that Node prints above it. */
function placeOfError(lines: readonly string[], at: number): Place | undefined {
  const below = lines.slice(at + 1, at + 1 + AROUND);
  const above = lines.slice(Math.max(0, at - 8), at);
  // Node: the file and line, the source, a marker below the column.
  const header = above.findLastIndex((line) => /^(?:# )?\S+:\d+$/.test(line));
  const shown = header === -1 ? undefined : placeIn((above[header] ?? '').replace(/^# /, ''));
  if (/^(?:# )?(?:Uncaught )?SyntaxError/.test(lines[at] ?? '') && shown !== undefined) {
    const caret = above.slice(header + 1).find((line) => /^(?:# )?\s*[~^]+$/.test(line));
    const column = caret === undefined ? undefined : caret.replace(/^# /, '').search(/[~^]/) + 1;
    return { ...shown, column };
  }
  return firstPlace(below, FRAME) ?? placeIn(lines[at] ?? '') ?? shown;
}

/** The last traceback of Python's: its last line, and its innermost frame in the project. */
function findTraceback(lines: readonly string[]): Failure | undefined {
  const start = lines.lastIndexOf(TRACEBACK);
  if (start === -1) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => RAISED.test(line));
  if (length === -1) return undefined;
  const end = start + 1 + length;
  return { text: lines[end] ?? '', place: placeOfTraceback(lines.slice(start, end)), end };
}

/** The innermost frame of a traceback that is in the project. */
export function placeOfTraceback(lines: readonly string[]): Place | undefined {
  for (const line of lines.slice(-2 * AROUND).toReversed()) {
    const [, file, row] = PYTHON_FRAME.exec(line) ?? [];
    const place = toPlace(file, row);
    if (place !== undefined) return place;
  }
  return undefined;
}

/** `at com.example.Sum.add(Sum.java:12)`: the package is the directory, below a source directory that is not told. */
export function placeOfJava(lines: readonly string[]): Place | undefined {
  for (const line of lines) {
    const [, name, file, row] =
      /^\s*at (?:[\w.$@]+\/)*([\w.$]+)\(([\w$]+\.(?:java|kt|scala|groovy)):(\d+)\)/.exec(line) ?? [];
    if (
      name === undefined ||
      /^(?:java|javax|jdk|sun|org\.(?:junit|opentest4j|gradle|apache\.maven|hamcrest|assertj|testng))\./.test(
        name,
      )
    )
      continue;
    const directory = name.split('.').slice(0, -2).join('/');
    return toPlace(directory === '' ? file : `${directory}/${file ?? ''}`, row);
  }
  return undefined;
}

function placeOfDotNet(line: string): Place | undefined {
  const at = line.lastIndexOf(' in ');
  const [, file, row] = /^ in (\S+):line (\d+)$/.exec(line.slice(Math.max(at, 0))) ?? [];
  return toPlace(file, row);
}
