import type { TestCounts } from '../../../events/command-end.ts';

/** What a command printed, without what a terminal obeys, and as lines. Only the beginning of a very long line is in `lines`. */
export interface Output {
  readonly text: string;
  readonly lines: readonly string[];
}

/** A position in a file of the project, as far as a runner told it. */
export interface Place {
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/** The first failure in the output of a runner. */
export interface Failure {
  readonly text: string;
  readonly place: Place | undefined;
  /** The last line that shows that this runner failed: where several ran, the one that speaks last failed. */
  readonly end: number;
}

/** How a runner is recognised by its own marks. Both functions are pure, and linear in the length of the output. */
export interface Runner {
  readonly name: string;
  /** Its first failure; undefined: it did not run, or did not fail. */
  readonly find: (output: Output) => Failure | undefined;
  /** How many tests it counted, over all of its summaries; undefined: it told no number. */
  readonly count?: (output: Output) => TestCounts | undefined;
}

/** The last line with one of these marks; `otherwise` where none has. */
export function lastMark(lines: readonly string[], mark: RegExp, otherwise: number): number {
  return Math.max(
    lines.findLastIndex((line) => mark.test(line)),
    otherwise,
  );
}

/** Adds up the numbers of every line that `read` understands; undefined: of none. */
export function addCounts(
  lines: readonly string[],
  read: (line: string) => Partial<TestCounts> | undefined,
): TestCounts | undefined {
  let sum: TestCounts | undefined;
  for (const line of lines) {
    const more = read(line);
    if (more === undefined) continue;
    const { passed = 0, failed = 0, skipped = 0 } = more;
    sum = {
      passed: (sum?.passed ?? 0) + passed,
      failed: (sum?.failed ?? 0) + failed,
      skipped: (sum?.skipped ?? 0) + skipped,
    };
  }
  return sum;
}

/** The number before a word (`3 passed`), 0 where there is none. */
export function numberBefore(line: string, word: string): number {
  const words = line.split(/[\s,|(]+/);
  const at = words.findIndex((each, index) => index > 0 && each.replaceAll(/\W/g, '') === word);
  return toCount(words[at - 1]);
}

/** A number of tests; 0 for what is none. */
export function toCount(text: string | undefined): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0;
}
