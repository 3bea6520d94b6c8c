import { isUtf8 } from 'node:buffer';
import { FILE_START, type Position, type Problem, reportInto, type Report } from '../problems/problem.ts';
import { lineIndex } from '../problems/text-lines.ts';
import { findHiddenText } from '../text/hidden-text.ts';
import { findTitle } from '../text/markdown-code.ts';
import { type FieldReader, fieldReader } from './fields.ts';
import { detach, readFrontMatter, type ReadingBudget } from './front-matter-read.ts';
import type { FrontMatter } from './front-matter.ts';
import {
  LEGACY_UNIT_STATUSES,
  type RecordedRun,
  type SpecFile,
  TASK_STATUSES,
  type TaskStatus,
  UNIT_STATUSES,
  type UnitStatus,
} from './unit.ts';

/** The file that makes a directory a unit. */
export const PLAN_FILE = 'IMPLEMENTATION_PLAN.md';

/** The fields of a unit's plan. */
const UNIT_FIELDS = [
  'unit',
  'depends_on',
  'provider',
  'context',
  'orch_status',
  'orch_branch',
  'orch_worktree',
  'orch_pr_number',
  'orch_started_at',
  'orch_completed_at',
] as const;

/** The fields of a task. */
const TASK_FIELDS = ['task', 'status', 'backpressure', 'depends_on', 'may_change'] as const;

/** A task file, as far as it could be read. */
export interface ParsedTask {
  readonly file: SpecFile;
  readonly number: number | undefined;
  readonly title: string;
  readonly status: TaskStatus;
  readonly gate: string | undefined;
  readonly dependsOn: readonly number[];
  readonly mayChange: readonly string[];
}

/** An IMPLEMENTATION_PLAN.md, as far as it could be read. */
export interface ParsedPlan {
  readonly file: SpecFile;
  /** The unit's name in the plan, which is not its id. */
  readonly name: string | undefined;
  readonly title: string | undefined;
  readonly dependsOn: readonly string[];
  readonly provider: string | undefined;
  readonly context: readonly string[];
  readonly status: UnitStatus | undefined;
  readonly recorded: RecordedRun;
}

/** A file's content and its problems. Without a value, nothing of it is usable. */
export interface Parsed<T> {
  readonly value: T | undefined;
  readonly problems: readonly Problem[];
}

/** Reads one task file. Pure; never throws. */
export function parseTask(path: string, content: Uint8Array, budget?: ReadingBudget): Parsed<ParsedTask> {
  return parseFile({ path, content, budget, known: TASK_FIELDS }, ({ read, file, title, report }) => {
    for (const name of ['task', 'backpressure']) {
      if (read.has(name)) continue;
      const message = `the front matter has no \`${name}\``;
      report('error', 'field-missing', FILE_START, message, { field: name, hint: MISSING_HINTS[name] });
    }
    return {
      file,
      number: readNumber(file.frontMatter, read, report),
      title: title ?? path.slice(path.lastIndexOf('/') + 4, -3),
      status: read.word('status', TASK_STATUSES) ?? 'pending',
      gate: readGate(file.frontMatter, read.text('backpressure'), report),
      dependsOn: [...read.integers('depends_on')].sort((a, b) => a - b),
      mayChange: read.texts('may_change').filter((pattern) => pattern !== ''),
    };
  });
}

/** Reads one IMPLEMENTATION_PLAN.md. Pure; never throws. */
export function parsePlan(path: string, content: Uint8Array, budget?: ReadingBudget): Parsed<ParsedPlan> {
  return parseFile({ path, content, budget, known: UNIT_FIELDS }, ({ read, file, title }) => ({
    file,
    name: read.text('unit'),
    title,
    dependsOn: read.texts('depends_on'),
    provider: read.text('provider') || undefined,
    context: read.texts('context').filter((path) => path !== ''),
    status: read.word('orch_status', UNIT_STATUSES, LEGACY_UNIT_STATUSES, 'in_progress'),
    recorded: defined({
      branch: read.text('orch_branch') || undefined,
      worktree: read.text('orch_worktree') || undefined,
      // An older tool writes 0 for none.
      prNumber: read.text('orch_pr_number') === '0' ? undefined : read.integer('orch_pr_number'),
      startedAt: read.time('orch_started_at'),
      completedAt: read.time('orch_completed_at'),
    }),
  }));
}

/** The input to build a kind of file from. */
interface ParseInput {
  readonly read: FieldReader;
  readonly file: SpecFile;
  readonly title: string | undefined;
  readonly report: Report;
}

interface Source {
  readonly path: string;
  readonly content: Uint8Array;
  readonly budget: ReadingBudget | undefined;
  /** The fields of this kind of file. */
  readonly known: readonly string[];
}

function parseFile<T>(source: Source, build: (parts: ParseInput) => T): Parsed<T> {
  const problems: Problem[] = [];
  const report = reportInto(problems, source.path);
  const spec = readSpecFile(source, report);
  if (spec === undefined) return { value: undefined, problems };
  const read = fieldReader(spec.file.frontMatter, report);
  const value = build({ read, report, ...spec });
  read.unknown(source.known);
  return { value, problems };
}

const MISSING_HINTS: Readonly<Record<string, string>> = {
  task: 'add the number of the task in its unit, for example `task: 1`',
  backpressure: 'add the command that decides whether the task is done, for example `backpressure: npm test`',
};

function readSpecFile(
  { path, content, budget }: Source,
  report: Report,
): Pick<ParseInput, 'file' | 'title'> | undefined {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const text = bytes.toString('utf8');
  if (!isUtf8(bytes)) {
    const at = lineIndex(text)(text.indexOf('\uFFFD'));
    report('error', 'not-utf8', at, 'the file is not valid UTF-8', { hint: 'save it as UTF-8' });
    return undefined;
  }
  const nul = text.indexOf('\0');
  if (nul >= 0) {
    report('error', 'nul-byte', lineIndex(text)(nul), 'the file holds a NUL byte', {
      hint: 'it looks like a binary file',
    });
    return undefined;
  }
  const frontMatter = readFrontMatter(text, budget);
  if ('faults' in frontMatter) {
    for (const fault of frontMatter.faults)
      report('error', fault.code, fault, fault.message, { hint: fault.hint });
    return undefined;
  }
  const hidden = findHiddenText(text, frontMatter.bodyStart, budget);
  const at = hidden.length > 0 ? lineIndex(text) : undefined;
  for (const { what, offset } of hidden) reportHidden(what, at?.(offset) ?? FILE_START, report);
  const title = findTitle(text, frontMatter.bodyStart);
  return { file: { path, content, frontMatter }, title: title === undefined ? undefined : detach(title) };
}

/** Reads the gate, which must not be empty. Reports text hidden by an escape such as `"\u200b"`. */
function readGate(frontMatter: FrontMatter, gate: string | undefined, report: Report): string | undefined {
  const field = frontMatter.fields.get('backpressure');
  if (field === undefined || (gate === undefined && field.value.kind !== 'empty')) return undefined;
  if (gate === undefined || gate.trim() === '') {
    report('error', 'gate-empty', field.value.at, 'the gate is empty', {
      field: 'backpressure',
      got: gate ?? '',
      hint: 'an empty gate would let everything pass; name a command, for example `npm test`',
    });
    return undefined;
  }
  if (gate.includes('\0')) {
    report('error', 'gate-nul', field.value.at, 'the gate holds a NUL character', { field: 'backpressure' });
    return undefined;
  }
  if (field.value.kind === 'scalar' && field.value.quoted) {
    const hidden = findHiddenText(gate, gate.length)[0];
    if (hidden !== undefined)
      reportHidden(`${hidden.what} in the gate`, field.value.at, report, 'backpressure');
  }
  return gate;
}

function readNumber(frontMatter: FrontMatter, read: FieldReader, report: Report): number | undefined {
  const value = frontMatter.fields.get('task')?.value;
  if (value?.kind === 'empty') {
    report('error', 'field-missing', value.at, '`task` has no value', {
      field: 'task',
      hint: MISSING_HINTS['task'],
    });
  }
  return read.integer('task');
}

function reportHidden(what: string, at: Position, report: Report, field?: string): void {
  report('warning', 'hidden-text', at, `${what}: an agent reads it, a reader of the page does not see it`, {
    ...(field === undefined ? {} : { field }),
    hint: 'remove it, or write it as visible text',
  });
}

/** Drops undefined values. */
function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}
