import { FRAME, findCrash, findTestFailure } from './test-failures.ts';

/** Maximum length of a reason. Characters. */
const LENGTH = 300;

/** Terminal escape sequences: colours, cursor movements, titles. */
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)/g;

/** Lines that programs print after their last message, whatever it was. */
const AFTERWORDS = [
  /^npm (?:warn|notice)\b/i,
  /^npm (?:error|ERR!)\s*(?:$|code\b|errno\b|path\b|command\b|workspace\b|location\b|signal\b|npm run$|Lifecycle script\b|Test failed\b|Error: command failed|in workspace\b|at location\b|To see a list\b|A complete log\b|\S*_logs\b)/,
  /^> @?[^@\s]+@\S+ \S+$/,
  /^make(?:\[\d+\])?: /,
  /^Node\.js v\d/,
  /^FAIL\b|^exit status \d+$/,
];

/**
 * Finds why a command failed, in one line: the first failure of a known test runner, else the last meaningful line; undefined
 * when there is none. The end of the output is enough. Pure, and linear in its length.
 */
export function findReason(output: string): string | undefined {
  const lines = output.replaceAll(ESCAPES, '').split(/\r\n|\n|\r/);
  const last = lines.findLast((line) => line.trim() !== '') ?? '';
  const reason = last.startsWith('[choo: ') ? last : (findTestFailure(lines) ?? findLastWord(lines));
  const line = reason?.trim().replaceAll(/\s+/g, ' ');
  return line !== undefined && line.length > LENGTH ? `${line.slice(0, LENGTH - 1)}…` : line;
}

/** The last meaningful line; for an error with a stack, its message. */
function findLastWord(lines: readonly string[]): string | undefined {
  const frame = lines.findLastIndex((line) => FRAME.test(line));
  // Node prints the properties of an error in braces, which begin at the end of its stack.
  const end = lines[frame]?.endsWith('{') ? Math.max(frame, lines.lastIndexOf('}')) : frame;
  const before = lines.slice(0, frame + 1).filter((line) => !FRAME.test(line));
  return lines.slice(end + 1).findLast(saysSomething) ?? findCrash(before) ?? before.findLast(saysSomething);
}

function saysSomething(line: string): boolean {
  return /[\p{L}\p{N}]/u.test(line) && !AFTERWORDS.some((each) => each.test(line));
}
