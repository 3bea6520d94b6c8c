import type { Severity } from './code-entry.ts';
import type { ProblemCode } from './codes.ts';

/** A position in a text file. Both count from 1; columns count UTF-16 code units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One finding about a file of the repository, for its author. */
export interface Problem extends Position {
  readonly severity: Severity;
  readonly code: ProblemCode;
  /** One sentence without a full stop; values from the repository stand in backquotes. */
  readonly message: string;
  /** Path from the repository's root with forward slashes. */
  readonly file: string;
  /** The front matter field or configuration key, dotted. */
  readonly field?: string;
  /** The value found there, shortened. */
  readonly got?: string;
  /** How to fix it. */
  readonly hint?: string;
}

/** The number of problems of each severity, including dropped ones. */
type ProblemCounts = Readonly<Record<Severity, number>>;

/** The problems of one reading. Bounded: beyond {@link MAX_PROBLEMS} they are only counted. */
export interface Problems {
  /** Ordered by file, line and column. When there are too many, errors are kept before warnings before notices. */
  readonly kept: readonly Problem[];
  readonly counts: ProblemCounts;
  /** The number of problems that were counted but not kept. */
  readonly dropped: number;
}

/**
 * Further problems are only counted.
 *
 * @internal
 */
export const MAX_PROBLEMS = 1_000;

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'notice'];

/** Adds problems to those of an earlier reading, if any; bounds and orders the result. */
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
  return { kept: kept.sort(byPosition), counts, dropped: total - kept.length };
}

/** The problems of two readings as those of one. */
export function joinProblems(one: Problems, other: Problems): Problems {
  const { kept } = collectProblems(other.kept, one);
  const counts = { ...one.counts };
  for (const severity of SEVERITIES) counts[severity] += other.counts[severity];
  return { kept, counts, dropped: counts.error + counts.warning + counts.notice - kept.length };
}

/** Longer values are shortened in a problem. UTF-16 code units. */
const MAX_GOT_LENGTH = 80;

/** Shortens a value from a file for a problem. */
export function shorten(text: string): string {
  return text.length <= MAX_GOT_LENGTH ? text : `${text.slice(0, MAX_GOT_LENGTH - 1)}…`;
}

function byPosition(a: Problem, b: Problem): number {
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

/** The optional parts of a problem. */
type Details = { readonly field?: string; readonly got?: string; readonly hint?: string | undefined };

/** Reports one problem at a position of one file. Expensive details may be given as a function. */
export type Report = (
  severity: Severity,
  code: ProblemCode,
  at: Position,
  message: string,
  details?: Details | (() => Details),
) => void;

/** Problems of one code that are listed for one file; the last one says how many more there are. */
const MAX_PER_CODE = 100;

/** Creates a {@link Report} for one file that adds to a list. */
export function reportInto(problems: Problem[], file: string): Report {
  const alike = new Map<ProblemCode, { count: number; last: number; message: string }>();
  return (severity, code, { line, column }, message, details = {}) => {
    const seen = alike.get(code) ?? { count: 0, last: 0, message };
    alike.set(code, seen);
    seen.count += 1;
    const last = problems[seen.last];
    if (seen.count > MAX_PER_CODE && last !== undefined) {
      problems[seen.last] = {
        ...last,
        message: `${seen.message}, and ${seen.count - MAX_PER_CODE} more like it in this file`,
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

/** Whether any of these problems prevents a run. */
export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === 'error');
}

/** The start of a file, for a problem of the whole file. */
export const FILE_START: Position = { line: 1, column: 1 };
