import type { ProblemCode } from '../problems/codes.ts';
import { FILE_START, type Problem, reportInto } from '../problems/problem.ts';
import { suggestion } from '../text/nearest.ts';
import { describeCycle, findCycles } from './cycles.ts';
import { itemPositions } from './fields.ts';
import type { ParsedPlan, ParsedTask } from './parse.ts';
import { baseName } from './tree.ts';

/** A task whose number could be read; only such tasks are compared. */
type NumberedTask = ParsedTask & { readonly number: number };

/** Checks the rules between the files of one unit: task numbers unique and without gaps, dependencies known and acyclic. */
export function checkUnit(
  id: string,
  plan: ParsedPlan,
  tasks: readonly ParsedTask[],
  taskFiles: number,
): readonly Problem[] {
  const problems: Problem[] = [];
  const numbered = tasks.filter(isNumbered);
  checkPlan(id, plan, tasks, problems);
  const byNumber = checkNumbers(numbered, taskFiles === numbered.length, problems);
  checkTaskDependencies(numbered, byNumber, problems);
  return problems;
}

function checkPlan(id: string, plan: ParsedPlan, tasks: readonly ParsedTask[], problems: Problem[]): void {
  const report = reportInto(problems, plan.file.path);
  const { fields } = plan.file.frontMatter;
  const name = fields.get('unit');
  if (name !== undefined && plan.name !== undefined && plan.name !== '' && plan.name !== id) {
    report(
      'warning',
      'unit-name-differs',
      name.value.at,
      `the unit is called \`${id}\`, after its directory`,
      {
        field: 'unit',
        got: plan.name,
        hint: `write \`unit: ${id}\`, or rename the directory`,
      },
    );
  }
  const status = fields.get('orch_status');
  if (
    status !== undefined &&
    plan.status === 'complete' &&
    !tasks.every((task) => task.status === 'complete')
  ) {
    report(
      'warning',
      'unit-not-complete',
      status.value.at,
      'the unit is marked complete, but not all its tasks are; the tasks count',
      {
        field: 'orch_status',
        got: 'complete',
      },
    );
  }
}

function checkNumbers(
  tasks: readonly NumberedTask[],
  all: boolean,
  problems: Problem[],
): ReadonlyMap<number, NumberedTask> {
  const byNumber = new Map<number, NumberedTask>();
  for (const task of tasks) {
    const earlier = byNumber.get(task.number);
    if (earlier === undefined) {
      byNumber.set(task.number, task);
      continue;
    }
    const message = `task number ${task.number} is taken by \`${baseName(earlier.file.path)}\``;
    report(
      task,
      'error',
      'task-duplicate',
      message,
      problems,
      `give each task of the unit its own number, from 1`,
    );
  }
  // A file with an unreadable number may be the missing one, so gaps are reported only once it is fixed.
  if (!all) return byNumber;
  let expected = 1;
  for (const task of [...byNumber.values()].sort((a, b) => a.number - b.number)) {
    if (task.number > expected) {
      const missing =
        task.number === expected + 1
          ? `is no task ${expected}`
          : `are no tasks ${expected} to ${task.number - 1}`;
      report(
        task,
        'warning',
        'task-gap',
        `there ${missing} before task ${task.number}`,
        problems,
        'number tasks from 1 without gaps',
      );
    }
    expected = task.number + 1;
  }
  return byNumber;
}

function report(
  task: NumberedTask,
  severity: 'error' | 'warning',
  code: ProblemCode,
  message: string,
  problems: Problem[],
  hint: string,
): void {
  const at = task.file.frontMatter.fields.get('task')?.value.at ?? FILE_START;
  reportInto(problems, task.file.path)(severity, code, at, message, {
    field: 'task',
    got: String(task.number),
    hint,
  });
}

function checkTaskDependencies(
  tasks: readonly NumberedTask[],
  byNumber: ReadonlyMap<number, NumberedTask>,
  problems: Problem[],
): void {
  const known = [...byNumber.keys()].sort((a, b) => a - b).map(String);
  for (const task of tasks) {
    const unknown = task.dependsOn.filter((dependency) => !byNumber.has(dependency));
    if (unknown.length === 0) continue;
    const report = reportInto(problems, task.file.path);
    const positionOf = itemPositions(task.file.frontMatter, 'depends_on');
    for (const dependency of unknown) {
      const got = String(dependency);
      report(
        'error',
        'task-dependency-unknown',
        positionOf(dependency),
        `the unit has no task ${got}`,
        () => ({
          field: 'depends_on',
          got,
          hint: suggestion(got, known),
        }),
      );
    }
  }
  const unique = [...byNumber.values()];
  const index = new Map(unique.map((task, at) => [task.number, at]));
  const edges = unique.map((task) =>
    task.dependsOn.map((number) => index.get(number)).filter((at) => at !== undefined),
  );
  for (const cycle of findCycles(edges)) {
    const members = cycle.path.map((at) => unique[at]).filter((task) => task !== undefined);
    const first = members[0];
    if (first === undefined) continue;
    const next = String((members[1] ?? first).number);
    const at = itemPositions(first.file.frontMatter, 'depends_on')(next);
    const path = describeCycle(members.map((task) => String(task.number)));
    reportInto(problems, first.file.path)('error', 'task-cycle', at, `tasks wait for each other: ${path}`, {
      field: 'depends_on',
      got: next,
      hint: 'remove one of these dependencies',
    });
  }
}

function isNumbered(task: ParsedTask): task is NumberedTask {
  return task.number !== undefined;
}
