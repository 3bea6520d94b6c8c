import type { Severity } from './code-entry.ts';
import type { ProblemCode } from './codes.ts';

/** A place in a text file. Both count from 1; columns count UTF-16 code units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something in a file of the repository that its author should see, at its place and with its cure. */
export interface Problem extends Position {
  readonly severity: Severity;
  readonly code: ProblemCode;
  /** One sentence without a full stop; values from the repository stand in backquotes. */
  readonly message: string;
  /** Path from the repository's root with forward slashes. */
  readonly file: string;
  /** The front matter field or configuration key, dotted. */
  readonly field?: string;
  /** What was found there, shortened. */
  readonly got?: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** How many problems of each severity there are, kept or not. */
type ProblemCounts = Readonly<Record<Severity, number>>;

/** The problems of one reading. Bounded: beyond {@link MAX_PROBLEMS} they are only counted. */
export interface Problems {
  /** Ordered by file, line and column. When there are too many, errors are kept before warnings before notices. */
  readonly kept: readonly Problem[];
  readonly counts: ProblemCounts;
  /** How many were counted but not kept. */
  readonly dropped: number;
}

/**
 * How many problems one report keeps.
 *
 * @internal
 */
export const MAX_PROBLEMS = 1_000;

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'notice'];

/** Gathers every problem of any number of sources into one bounded, ordered report. */
export function collectProblems(found: Iterable<Problem>, before?: Problems): Problems {
  const bySeverity: Record<Severity, Problem[]> = { error: [], warning: [], notice: [] };
  const counts = { error: 0, warning: 0, notice: 0, ...before?.counts };
  for (const problem of before?.kept ?? []) bySeverity[problem.severity].push(problem);
  for (const problem of found) {
    counts[problem.severity] += 1;
    const bucket = bySeverity[problem.severity];
    if (bucket.length < MAX_PROBLEMS) bucket.push(problem);
  }
  const kept = SEVERITIES.flatMap((severity) => bySeverity[severity]).slice(0, MAX_PROBLEMS);
  const total = counts.error + counts.warning + counts.notice;
  return { kept: kept.sort(byPlace), counts, dropped: total - kept.length };
}

/** The longest stretch of a value from a file that a problem repeats. */
const GOT_LENGTH = 80;

/** A value from a file, short enough to stand in a problem. */
export function shorten(text: string): string {
  return text.length <= GOT_LENGTH ? text : `${text.slice(0, GOT_LENGTH - 1)}…`;
}

function byPlace(a: Problem, b: Problem): number {
  return (
    compareText(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    compareText(a.code, b.code)
  );
}

/** Orders by UTF-16 code unit, the same on every machine whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a problem may say beyond its message. */
type Details = { readonly field?: string; readonly got?: string; readonly hint?: string | undefined };

/** Notes one problem at a place of one file. Details that cost something to find may be given as a function. */
export type Report = (
  severity: Severity,
  code: ProblemCode,
  at: Position,
  message: string,
  details?: Details | (() => Details),
) => void;

/** How many problems of one rule are listed for one file; the last one says how many more there are. */
const MAX_ALIKE = 100;

/** A Report for one file, which adds to a list. */
export function reportInto(problems: Problem[], file: string): Report {
  const alike = new Map<ProblemCode, { count: number; last: number; message: string }>();
  return (severity, code, { line, column }, message, details = {}) => {
    const seen = alike.get(code) ?? { count: 0, last: 0, message };
    alike.set(code, seen);
    seen.count += 1;
    const last = problems[seen.last];
    if (seen.count > MAX_ALIKE && last !== undefined) {
      problems[seen.last] = {
        ...last,
        message: `${seen.message}, and ${seen.count - MAX_ALIKE} more like it in this file`,
      };
      return;
    }
    const { field, got, hint } = typeof details === 'function' ? details() : details;
    seen.last = problems.length;
    seen.message = message;
    problems.push({
      severity,
      code,
      message,
      file,
      line,
      column,
      ...(field === undefined ? {} : { field }),
      ...(got === undefined ? {} : { got: shorten(got) }),
      ...(hint === undefined ? {} : { hint }),
    });
  };
}

/** Whether any of these stops a run. */
export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === 'error');
}

/** The top of a file, for what is wrong with all of it. */
export const FILE_START: Position = { line: 1, column: 1 };
