import { findTapFailure, type TestFailure } from './tap-failure.ts';

/** A stack frame below an error. */
export const FRAME = /^\s*(?:# +)?at\s/;
/** A printed error: its class, then its message. */
const ERROR = /^(?:# )?(?:Uncaught )?[\w$.]*(?:Error|Exception)(?: \[\w+\])?: /;
/** Lines after a message: the stack, source excerpts, notes. */
const BEHIND = /^(?:(?:# +)?at\s|❯|(?:> *)?(?:\d+ *)?\||stack backtrace:|note: )/;

/** Maximum lines of a message, and maximum lines skipped to find it. */
const MESSAGE_LINES = 12;
const LINES_BEFORE = 50;

/** How a runner prints the name of a failed test, and which lines below it have the message. */
interface Runner {
  readonly head: RegExp;
  readonly isMessage: (line: string) => boolean;
  /** Which lines stand between the two. */
  readonly isBefore?: (line: string) => boolean;
}

const never = (): boolean => false;
const isBlank = (line: string): boolean => line.trim() === '';
const indented = (by: string, line: string): boolean => isBlank(line) || line.startsWith(by);

const RUNNERS: readonly Runner[] = [
  // node --test, in its final list of failures
  {
    head: /^✖ (.+) \(\d[\d.]*ms\)$/,
    isMessage: (line) => indented('  ', line) && !/^\s*[✖✔▶]/.test(line),
  },
  // jest; vitest
  { head: /^ {2}● (?!Console$)(.+)$/, isMessage: (line) => indented('    ', line) },
  { head: /^ FAIL {2}(.+)$/, isMessage: (line) => line !== '' },
  // pytest, in its summary; Python's unittest
  { head: /^(?:FAILED|ERROR) ([\w./-]+\.py.*)/, isMessage: never },
  {
    head: /^(?:FAIL|ERROR): (\w+) \(\S+\)$/,
    isMessage: (line) => ERROR.test(line),
    isBefore: (line) => !ERROR.test(line),
  },
  // go test
  { head: /^\s*--- FAIL: (\S+) \(/, isMessage: (line) => /^\s/.test(line) && !line.includes('--- ') },
  // cargo test; its compiler, and TypeScript's
  { head: /^thread '([^']+)' (?:\(\d+\) )?panicked at [^:]+:\d+:\d+:$/, isMessage: (line) => line !== '' },
  { head: /^(error\[E\d+\]: .+)/, isMessage: never },
  { head: / error TS\d+: /, isMessage: never },
];

/** The first failed test and its message, in the output of a known runner. */
export function findTestFailure(lines: readonly string[]): string | undefined {
  const failure = findTapFailure(lines) ?? findFirst(lines);
  if (failure === undefined) return undefined;
  const { name, at } = failure;
  const message = failure.message?.trim().replace(/^AssertionError(?: \[\w+\])?: /, '') ?? '';
  // Node prints this when a whole file failed; the reason is above.
  const reason = /^'?test failed'?$/.test(message) ? (findCrash(lines.slice(0, at)) ?? message) : message;
  return reason === '' ? name : `${name}: ${/^'.*'$/.test(reason) ? reason.slice(1, -1) : reason}`;
}

/** The last error that was printed with its class, and its message. */
export function findCrash(lines: readonly string[]): string | undefined {
  const at = lines.findLastIndex((line) => ERROR.test(line));
  if (at === -1) return undefined;
  return messageFrom(lines, at, () => true)?.replaceAll(/^# /gm, '');
}

function findFirst(lines: readonly string[]): TestFailure | undefined {
  for (const runner of RUNNERS) {
    let first: TestFailure | undefined;
    for (const [index, line] of lines.entries()) {
      const head = runner.head.exec(line);
      if (head === null) continue;
      const name = head[1] ?? line;
      const message = messageBelow(lines, index + 1, runner);
      // Some runners name a test twice, the second time with its message.
      if (message !== undefined) return { name, message, at: lines.indexOf(line) };
      first ??= { name, message, at: index };
    }
    if (first !== undefined) return first;
  }
  return undefined;
}

function messageBelow(
  lines: readonly string[],
  start: number,
  { isMessage, isBefore = isBlank }: Runner,
): string | undefined {
  let from = start;
  while (from < start + LINES_BEFORE && from < lines.length && isBefore(lines[from] ?? '')) from += 1;
  return messageFrom(lines, from, isMessage);
}

function messageFrom(
  lines: readonly string[],
  from: number,
  isMessage: (line: string) => boolean,
): string | undefined {
  const near = lines.slice(from, from + MESSAGE_LINES);
  const end = near.findIndex((line) => !isMessage(line) || BEHIND.test(line.trimStart()));
  const message = near
    .slice(0, end === -1 ? near.length : end)
    .join('\n')
    .trim();
  return message === '' ? undefined : message;
}
