import { FILE_START, hasErrors, type Problem, reportInto } from '../problems/problem.ts';
import type { ReadingBudget } from './front-matter-read.ts';
import { PLAN_FILE, type Parsed, type ParsedPlan, type ParsedTask, parsePlan, parseTask } from './parse.ts';
import { baseName, type TreeEntry } from './tree.ts';
import { checkUnit } from './unit-rules.ts';
import { inferStatus, isUnitId, type SpecFile, type Task, type Unit } from './unit.ts';

/** A larger file is not read. Bytes. */
const MAX_FILE_BYTES = 1024 * 1024;

/** One directory of the spec tree that should be a unit, read without regard to other units. */
export interface UnitReading {
  readonly id: string;
  readonly directory: string;
  /** Undefined when a problem of this unit is an error. */
  readonly unit: Unit | undefined;
  /** Set whenever the plan could be read, so that dependencies of broken units are checked too. */
  readonly plan: ParsedPlan | undefined;
  readonly problems: readonly Problem[];
  /** The number of fields and list items in its files, which determines the cost of storing and checking it. */
  readonly items: number;
}

/** The relevant files of a directory, by their names alone. */
export interface UnitFiles {
  /** The files to read, the plan first. */
  readonly wanted: readonly TreeEntry[];
  readonly problems: readonly Problem[];
  /** The number of names of task files. */
  readonly taskFiles: number;
  /** Whether it has a plan and a task. */
  readonly isUnit: boolean;
}

const TASK_FILE = /^\d{2}-.*\.md$/;
const ALMOST_TASK_FILE = /^\d+[-_. ].*\.(?:md|markdown|txt)$/i;

/** Selects the plan and the tasks from a directory's entries. Pure. */
export function selectUnitFiles(directory: string, entries: readonly TreeEntry[]): UnitFiles {
  const problems: Problem[] = [];
  const wanted: TreeEntry[] = [];
  const plan = entries.find((entry) => entry.name === PLAN_FILE);
  const tasks = entries.filter((entry) => TASK_FILE.test(entry.name));
  for (const entry of [...(plan === undefined ? [] : [plan]), ...tasks]) {
    const report = reportInto(problems, entry.path);
    if (entry.kind === 'symlink') {
      report('error', 'symlink', FILE_START, 'symbolic links are not followed', {
        hint: 'put the file itself here',
      });
    } else if (entry.kind !== 'file') {
      report('error', 'not-a-file', FILE_START, 'this is not a regular file', {
        hint: 'rename or remove it',
      });
    } else if (entry.size > MAX_FILE_BYTES) {
      report('error', 'file-too-large', FILE_START, 'the file is larger than 1 MiB', {
        got: `${entry.size} bytes`,
        hint: 'split it',
      });
    } else {
      wanted.push(entry);
    }
  }
  for (const entry of entries) {
    const report = reportInto(problems, entry.path);
    if (entry.name !== PLAN_FILE && entry.name.toLowerCase() === PLAN_FILE.toLowerCase()) {
      report('warning', 'plan-name', FILE_START, 'this file is not read as the plan', {
        hint: `rename it to ${PLAN_FILE}`,
      });
    } else if (!TASK_FILE.test(entry.name) && ALMOST_TASK_FILE.test(entry.name)) {
      const hint = 'name tasks with two digits, a dash and `.md`, for example `01-first-step.md`';
      report('warning', 'task-name', FILE_START, 'this file is not read as a task', { hint });
    }
  }
  const isUnit = plan !== undefined && tasks.length > 0;
  if (!isUnit && (plan !== undefined || tasks.length > 0)) {
    const [missing, hint] =
      plan === undefined
        ? [`no ${PLAN_FILE}`, `add ${PLAN_FILE} with front matter, for example \`depends_on: []\``]
        : ['no task files', 'add one, for example `01-first-step.md`'];
    reportInto(problems, directory)(
      'warning',
      'not-a-unit',
      FILE_START,
      `the directory has ${missing}, so it is not a unit`,
      { hint },
    );
  }
  return { wanted: isUnit ? wanted : [], problems, taskFiles: tasks.length, isUnit };
}

/** Reads a unit from the contents of `files.wanted`, in that order; undefined for an unreadable file. Pure. */
export function readUnit(
  directory: string,
  files: UnitFiles,
  contents: readonly (Uint8Array | undefined)[],
  budget: ReadingBudget,
): UnitReading {
  const id = baseName(directory);
  const problems = [...files.problems];
  if (!isUnitId(id)) {
    reportInto(problems, directory)(
      'error',
      'unit-name',
      FILE_START,
      'the directory cannot be a unit, because its name cannot be part of a branch',
      {
        got: id,
        hint: 'use letters, digits, `.`, `_` and `-`, begin with a letter or digit, at most 100 characters, no `..`, no `.lock` or `.` at the end',
      },
    );
  }
  let plan: ParsedPlan | undefined;
  const tasks: ParsedTask[] = [];
  for (const [index, entry] of files.wanted.entries()) {
    const content = contents[index];
    if (content === undefined) {
      reportInto(problems, entry.path)('error', 'unreadable', FILE_START, 'the file could not be read', {
        hint: 'check its permissions',
      });
    } else if (entry.name === PLAN_FILE) {
      plan = collect(parsePlan(entry.path, content, budget), problems);
    } else {
      const task = collect(parseTask(entry.path, content, budget), problems);
      if (task !== undefined) tasks.push(task);
    }
  }
  if (plan !== undefined) problems.push(...checkUnit(id, plan, tasks, files.taskFiles));
  const unit = plan === undefined || hasErrors(problems) ? undefined : assemble(id, directory, plan, tasks);
  const items = [plan, ...tasks].reduce((sum, each) => sum + countItems(each?.file), 0);
  return { id, directory, unit, plan, problems, items };
}

function countItems(file: SpecFile | undefined): number {
  const fields = file?.frontMatter.fields;
  let items = fields?.size ?? 0;
  for (const { value } of fields?.values() ?? []) if (value.kind === 'list') items += value.items.length;
  return items;
}

function collect<T>(parsed: Parsed<T>, problems: Problem[]): T | undefined {
  problems.push(...parsed.problems);
  return parsed.value;
}

function assemble(id: string, directory: string, plan: ParsedPlan, parsed: readonly ParsedTask[]): Unit {
  const tasks: Task[] = [];
  for (const { number, gate, ...task } of parsed) {
    if (number !== undefined && gate !== undefined) tasks.push({ number, gate, ...task });
  }
  tasks.sort((a, b) => a.number - b.number);
  return {
    id,
    directory,
    title: plan.title ?? id,
    dependsOn: plan.dependsOn,
    provider: plan.provider,
    context: plan.context,
    status: plan.status ?? inferStatus(tasks),
    recorded: plan.recorded,
    tasks,
    plan: plan.file,
  };
}
