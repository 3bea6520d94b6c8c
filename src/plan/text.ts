import type { Severity } from '../problems/code-entry.ts';
import type { Problem } from '../problems/problem.ts';
import {
  columnWidth,
  count,
  type Medium,
  pad,
  printable,
  truncate,
  wrapList,
} from '../text/terminal-layout.ts';
import type { Plan, PlanUnit } from './schema.ts';

/** A larger plan shows no tasks; `--unit` and `--json` do. */
const MAX_UNITS_WITH_TASKS = 40;
/** Problems that a plan shows; `choo check` shows all. */
const MAX_PROBLEMS_SHOWN = 20;

/** Renders a plan as text: waves with units, tasks and gates, the common settings, problems. Ends with a line feed. */
export function renderPlan(plan: Plan, medium: Medium): string {
  if (plan.units.length === 0 && !plan.runnable) return `${renderProblems(plan, medium)}\n`;
  const byId = new Map(plan.units.map((unit) => [unit.id, unit]));
  const sections = [
    headline(plan, medium),
    ...plan.waves.map((wave, index) => renderWave(plan, wave, index + 1, byId, medium)),
    ...renderOtherUnits(plan, medium),
    renderSettings(plan, medium),
    renderProblems(plan, medium),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

const SEVERITY_STYLE = { error: 'red', warning: 'yellow', notice: 'cyan' } as const;

/** Renders a problem as compilers do: position, severity, message, and the hint on a second line. */
export function renderProblem(problem: Problem, { paint }: Pick<Medium, 'paint'>): string {
  const { file } = problem;
  const position = file === '' ? 'the commit' : `${printable(file)}:${problem.line}:${problem.column}`;
  const got = problem.got === undefined ? '' : ` (got \`${printable(problem.got)}\`)`;
  const line = `${paint('bold', position)} ${paint(SEVERITY_STYLE[problem.severity], problem.severity)} ${printable(problem.message)}${got}`;
  return problem.hint === undefined ? line : `${line}\n  ${paint('dim', `hint: ${printable(problem.hint)}`)}`;
}

/** `2 errors, 1 warning`, or `no problems`. */
export function renderCounts(problems: Plan['problems'], { paint }: Pick<Medium, 'paint'>): string {
  const counts: readonly (readonly [number, Severity])[] = [
    [problems.errors, 'error'],
    [problems.warnings, 'warning'],
    [problems.notices, 'notice'],
  ];
  const parts = counts
    .filter(([number]) => number > 0)
    .map(([number, word]) => paint(SEVERITY_STYLE[word], count(number, word)));
  return parts.length === 0 ? paint('green', 'no problems') : parts.join(', ');
}

function headline(plan: Plan, { width, paint }: Medium): string {
  const running = plan.units.filter((unit) => unit.wave !== null);
  const tasks = running.flatMap((unit) => unit.tasks).filter((task) => task.status !== 'complete').length;
  const summary = `${count(running.length, 'unit')} in ${count(plan.waves.length, 'wave')}, ${count(tasks, 'task')} to do`;
  const where =
    plan.source.commit === null
      ? plan.source.name
      : `${plan.source.name} (${plan.source.commit.slice(0, 12)})`;
  return `${paint('bold', summary)}\n${paint('dim', truncate(`${printable(plan.specsDir)} in ${printable(where)}`, width))}`;
}

function renderWave(
  plan: Plan,
  wave: readonly string[],
  number: number,
  byId: ReadonlyMap<string, PlanUnit>,
  medium: Medium,
): string {
  const units = wave.map((id) => byId.get(id)).filter((unit) => unit !== undefined);
  const showTasks = plan.units.length <= MAX_UNITS_WITH_TASKS;
  const columns = [(unit: PlanUnit) => printable(unit.id), progressText, providerText].map((text) => ({
    text,
    width: columnWidth(units.map(text), 40),
  }));
  const lines = [medium.paint('bold', `Wave ${number}`)];
  for (const unit of units) {
    lines.push(...unitLines(unit, columns, medium), ...(showTasks ? taskLines(unit, medium) : []));
  }
  return lines.join('\n');
}

interface Column {
  readonly text: (unit: PlanUnit) => string;
  readonly width: number;
}

/** A unit in columns, with its dependencies after them, or on separate lines if they do not fit. */
function unitLines(unit: PlanUnit, columns: readonly Column[], { width, paint }: Medium): string[] {
  const styles = ['bold', undefined, 'cyan'] as const;
  const cells = columns.map((column, index) => {
    const cell = pad(column.text(unit), column.width);
    const style = styles[index];
    return style === undefined ? cell : paint(style, cell);
  });
  const line = `  ${cells.join('  ')}`;
  if (unit.dependsOn.length === 0) return [line.trimEnd()];
  const names = unit.dependsOn.map(printable);
  const used = columns.reduce((sum, column) => sum + 2 + column.width, 0) + '  after '.length;
  if (used + names.join(', ').length <= width)
    return [`${line}  ${paint('dim', 'after')} ${names.join(', ')}`];
  return [line.trimEnd(), `     ${paint('dim', 'after')} ${wrapList(names, 11, 11, width)}`];
}

function progressText(unit: PlanUnit): string {
  if (unit.state === 'verify') return 'verify only';
  const done = unit.tasks.filter((task) => task.status === 'complete').length;
  return done > 0 ? `${done} of ${unit.tasks.length} done` : count(unit.tasks.length, 'task');
}

function taskLines(unit: PlanUnit, { width, paint }: Medium): string[] {
  const titles = unit.tasks.map((task) => printable(task.title));
  const titleWidth = columnWidth(titles, Math.min(34, Math.max(12, width - 44)));
  return unit.tasks.flatMap((task, index) => {
    const mark = task.status === 'complete' ? paint('green', '✓') : ' ';
    const title = pad(truncate(titles[index] ?? '', titleWidth), titleWidth);
    const gate = truncate(printable(task.gate), width - titleWidth - 12);
    const allowed = truncate(printable(`may change ${task.mayChange.join(', ')}`), width - 8);
    return [
      `   ${mark}${String(task.number).padStart(2)}  ${title}  ${paint('dim', `$ ${gate}`)}`,
      ...(task.mayChange.length === 0 ? [] : [`        ${paint('dim', allowed)}`]),
    ];
  });
}

function providerText(unit: PlanUnit): string {
  if (unit.provider === null) return '-';
  return `${unit.provider.name} (${SOURCE_TEXT[unit.provider.source]})`;
}

const SOURCE_TEXT = {
  forced: 'forced',
  unit: 'unit',
  request: 'requested',
  environment: 'environment',
  configuration: 'configured',
  default: 'default',
} as const;

const OTHER_STATES: readonly (readonly [PlanUnit['state'], string])[] = [
  ['broken', 'Broken, see the problems'],
  ['stuck', 'Waits for a broken unit'],
  ['complete', 'Complete, not verified'],
  ['left-out', 'Not requested'],
];

function renderOtherUnits(plan: Plan, { width, paint }: Medium): string[] {
  return OTHER_STATES.map(([state, title]) => {
    const ids = plan.units.filter((unit) => unit.state === state).map((unit) => printable(unit.id));
    return ids.length === 0 ? '' : `${paint('bold', title)}\n  ${wrapList(ids, 2, 2, width)}`;
  });
}

function renderSettings(plan: Plan, { width, paint }: Medium): string {
  const path = plan.criticalPath;
  const rows: (readonly [string, string])[] = [];
  const chain =
    path.units.length > 12
      ? [...path.units.slice(0, 5), `${path.units.length - 10} more`, ...path.units.slice(-5)]
      : path.units;
  if (path.units.length > 0)
    rows.push(['Critical path', `${count(path.tasks, 'task')}: ${chain.map(printable).join(' -> ')}`]);
  for (const { command, if: condition } of plan.setup) {
    rows.push([
      'Setup',
      `$ ${printable(command)}${condition === null ? '' : ` (if ${printable(condition)} exists)`}`,
    ]);
  }
  for (const { name, command, pattern } of plan.baselineChecks) {
    rows.push([
      'Baseline',
      `${printable(name)}: $ ${printable(command)}${pattern === null ? '' : ` (if ${printable(pattern)} changed)`}`,
    ]);
  }
  rows.push([
    'Parallelism',
    `${plan.parallelism}${plan.targetBranch === null ? '' : `, target ${printable(plan.targetBranch)}`}`,
  ]);
  return rows
    .map(([label, text]) => `${paint('bold', pad(label, 13))}  ${truncate(text, width - 15)}`)
    .join('\n');
}

function renderProblems(plan: Plan, medium: Medium): string {
  const { list } = plan.problems;
  if (list.length === 0) return '';
  const shown = [...list].sort((a, b) => severityRank(a) - severityRank(b)).slice(0, MAX_PROBLEMS_SHOWN);
  const total = plan.problems.errors + plan.problems.warnings + plan.problems.notices;
  const more =
    total > shown.length
      ? [medium.paint('dim', `and ${total - shown.length} more: \`choo check\` shows them`)]
      : [];
  return [
    renderCounts(plan.problems, medium),
    ...shown.map((problem) => renderProblem(problem, medium)),
    ...more,
  ].join('\n');
}

function severityRank(problem: Problem): number {
  return problem.severity === 'error' ? 0 : problem.severity === 'warning' ? 1 : 2;
}
