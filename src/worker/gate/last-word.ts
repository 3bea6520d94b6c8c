import { findCrash } from './runners/crash.ts';
import { FRAME } from './runners/place.ts';

/** Lines that programs print after their last message, whatever it was. */
const AFTERWORDS = [
  /^npm (?:warn|notice)\b/i,
  /^npm (?:error|ERR!)\s*(?:$|code\b|errno\b|path\b|command\b|workspace\b|location\b|signal\b|npm run$|Lifecycle script\b|Test failed\b|Error: command failed|in workspace\b|at location\b|To see a list\b|A complete log\b|\S*_logs\b)/,
  /^(?: ?ELIFECYCLE |error Command failed with exit code |info Visit https:\/\/yarnpkg|error: script "\S+" exited with code|Error: Process completed with exit code )/,
  /^> @?[^@\s]+@\S+ \S+$/,
  /^(?:\S*\/)?g?make(?:\[\d+\])?: /,
  /^Node\.js v\d/,
  /^FAIL\b|^exit status \d+$/,
];

/** The last meaningful line; for an error with a stack, its message. */
export function findLastWord(lines: readonly string[]): string | undefined {
  const frame = lines.findLastIndex((line) => FRAME.test(line));
  // Node prints the properties of an error in braces, which begin at the end of its stack.
  const end = lines[frame]?.endsWith('{') === true ? Math.max(frame, lines.lastIndexOf('}')) : frame;
  const before = lines.slice(0, frame + 1).filter((line) => !FRAME.test(line));
  const last = lines.slice(end + 1).findLast(saysSomething);
  return last ?? findCrash(before)?.text ?? before.findLast(saysSomething) ?? lines.findLast(saysAnything);
}

function saysSomething(line: string): boolean {
  return saysAnything(line) && !AFTERWORDS.some((each) => each.test(line));
}

function saysAnything(line: string): boolean {
  return /[\p{L}\p{N}]/u.test(line);
}
