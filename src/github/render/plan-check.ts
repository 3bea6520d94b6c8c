import { renderMermaid } from '../../plan/mermaid.ts';
import { willRun } from '../../plan/fate.ts';
import type { Plan, PlanUnit } from '../../plan/schema.ts';
import { cut } from '../../text/cut.ts';
import { harmlessLine } from '../../text/harmless.ts';
import { count, printable } from '../../text/terminal-layout.ts';
import type { Annotation, Conclusion } from '../api/checks.ts';
import { code, details, fenced, filledTable, fit, inline, listed, rowsWithin, table } from './markdown.ts';
import {
  collisionsOf,
  configChangeOf,
  happensWith,
  hasWork,
  isIdle,
  isOnlyConfig,
  nothingOf,
  workOf,
} from './plan-words.ts';
import type { PlanCheckInput } from './plan-input.ts';

/** The check of a plan as GitHub shows it. */
export interface RenderedPlanCheck {
  readonly title: string;
  readonly summary: string;
  readonly text: string;
  readonly conclusion: Conclusion;
  readonly annotations: readonly Annotation[];
}

/** How many characters the table of units may take, and that of the gates. */
const TABLE = 25_000;
/** How many the waves may take. */
const WAVES = 15_000;

/** The check `choo / plan`. Pure. */
export function renderPlanCheck(shown: PlanCheckInput): RenderedPlanCheck {
  const { plan } = shown;
  const { errors } = plan.problems;
  const isNothing = isOnlyConfig(shown) || !hasWork(shown);
  return {
    title: titleOf(shown),
    summary: fit([
      { text: verdictOf(shown), rank: 0, name: 'the verdict' },
      { text: problemsOf(plan), rank: 1, name: 'problems' },
      { text: collisionsOf(shown), rank: 1, name: 'what other branches work on' },
      { text: unitsOf(shown), rank: 2, name: 'the table of units' },
      { text: sourceOf(shown), rank: 0, name: 'the summary' },
      { text: isNothing ? '' : graphOf(plan), rank: 3, name: 'the graph' },
    ]),
    text: fit([
      { text: wavesOf(plan), rank: 1, name: 'the waves' },
      { text: gatesOf(plan), rank: 2, name: 'the gates' },
      { text: allowancesOf(plan), rank: 1, name: 'what tasks may change' },
      { text: preparationOf(plan), rank: 1, name: 'setup and checks' },
    ]),
    conclusion: errors > 0 && !isOnlyFound(shown) ? 'failure' : isNothing ? 'neutral' : 'success',
    annotations: annotationsOf(plan),
  };
}

/** Whether all that is wrong is that nobody said which task lists to read: no fault of who pushed them. */
function isOnlyFound({ plan: { problems } }: PlanCheckInput): boolean {
  return problems.errors === 1 && problems.list.some(({ code }) => code === 'format-found');
}

function titleOf(shown: PlanCheckInput): string {
  const { errors } = shown.plan.problems;
  if (isOnlyFound(shown)) return 'Task lists of another tool, which nothing reads yet';
  if (errors > 0) return `${count(errors, 'error')} in the plan`;
  if (isOnlyConfig(shown)) return 'Only the configuration changes';
  return hasWork(shown) ? workOf(shown) : 'Nothing to run';
}

/** What a run would do, or why it would do nothing; what is wrong stands below. */
function verdictOf(shown: PlanCheckInput): string {
  const lines = [shown.configNote ?? '', configChangeOf(shown), ...workLines(shown)];
  return lines.filter((line) => line !== '').join('\n\n');
}

function workLines(shown: PlanCheckInput): readonly string[] {
  const { plan, fates, limits } = shown;
  if (plan.problems.errors > 0 || isOnlyConfig(shown)) return [];
  if (!hasWork(shown)) return [`Nothing to do: ${nothingOf(shown)}`];
  const isAll = plan.waves.flat().every((id) => willRun(fates.get(id)));
  const parallel = `At most ${count(plan.parallelism, 'unit')} at a time.`;
  return [
    isAll ? `${pathOf(plan)} ${parallel}` : parallel,
    limits === null ? '' : `A run spends at most ${amountOf(limits)}.`,
  ];
}

function pathOf({ criticalPath: { units, tasks } }: Plan): string {
  const shown = units.slice(0, 20).map((id) => code(id));
  return `Critical path: ${shown.join(' → ')}${units.length > 20 ? ' → …' : ''}, ${count(tasks, 'task')}.`;
}

function sourceOf({ plan, commit, configCommit }: PlanCheckInput): string {
  return `Specs at ${commit.slice(0, 12)}, configuration at ${configCommit.slice(0, 12)}${plan.configFile === null ? ' (defaults)' : ` (${code(plan.configFile)})`}.`;
}

/** A larger graph is folded. */
const MAX_OPEN_NODES = 20;

/** The graph of a plan, folded where it is large. */
export function graphOf(plan: Plan): string {
  const drawing = fenced(renderMermaid(plan).trimEnd(), 'mermaid');
  const { length } = plan.units;
  return length > MAX_OPEN_NODES ? details(`The graph of ${count(length, 'unit')}`, drawing) : drawing;
}

function amountOf({ run_cost, run_tokens }: NonNullable<PlanCheckInput['limits']>): string {
  const tokens = `${run_tokens.toLocaleString('en-US')} tokens`;
  return run_cost === undefined ? tokens : `$${run_cost.toLocaleString('en-US')} and ${tokens}`;
}

/** A table of more rows that have nothing left to do is folded. */
const MAX_OPEN_ROWS = 10;

function unitsOf(shown: PlanCheckInput): string {
  const { plan, fates, changed } = shown;
  const order = [...plan.units].sort((a, b) => (a.wave ?? Infinity) - (b.wave ?? Infinity));
  const idle = order.filter(({ id }) => isIdle(fates.get(id)));
  const isFolded = idle.length > MAX_OPEN_ROWS;
  let left = TABLE;
  const within = (units: readonly PlanUnit[]): string => {
    const { rows, missing } = rowsWithin(units, left, (unit) => rowOf(unit, shown));
    left -= rows.flat().reduce((sum, cell) => sum + cell.length + 3, 0);
    const head = ['Unit', 'Title', 'What happens', 'Tasks', 'Provider', 'Builds on'];
    const more = missing > 0 ? `… and ${missing} more.` : '';
    return [rows.length === 0 ? '' : filledTable(head, rows), more]
      .filter((part) => part !== '')
      .join('\n\n');
  };
  const open = isFolded ? order.filter((unit) => !idle.includes(unit)) : order;
  return [
    within(open),
    isFolded ? details(`${count(idle.length, 'unit')} with nothing left to do`, within(idle)) : '',
    changed.size > 0 && order.length > 0 ? '✎ changed here' : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function rowOf(unit: PlanUnit, { fates, changed, elsewhere }: PlanCheckInput): readonly string[] {
  const { id, title, tasks, provider, dependsOn } = unit;
  const on = dependsOn.map((dependency) => code(dependency));
  return [
    `${code(id)}${changed.has(id) ? ' ✎' : ''}`,
    inline(title, 80),
    happensWith(id, { fates, elsewhere, changed }),
    tasks.length === 0 ? '' : String(tasks.length),
    provider === null ? '' : `${provider.name} (${provider.source})`,
    listed(on, 10),
  ];
}

function wavesOf({ waves }: Plan): string {
  const { rows, missing } = rowsWithin(waves, WAVES, (wave) => [
    listed(
      wave.map((id) => code(id)),
      50,
    ),
  ]);
  if (rows.length === 0) return '';
  const lines = rows.map((row, index) => `${index + 1}. ${row.join('')}`);
  return `### Waves\n\n${lines.join('\n')}${missing > 0 ? `\n\n… and ${count(missing, 'more wave')}.` : ''}`;
}

function gatesOf({ units }: Plan): string {
  const tasks = units.flatMap((unit) => unit.tasks.map((task) => ({ unit, task })));
  const { rows, missing } = rowsWithin(tasks, TABLE, ({ unit, task }) => [
    code(unit.id),
    String(task.number),
    inline(task.title, 80),
    code(task.gate),
  ]);
  if (rows.length === 0) return '';
  const more = missing > 0 ? `\n\n… and ${missing} more.` : '';
  return `### Gates\n\n${details(`${count(tasks.length, 'task')}: each counts only when its gate passes`, table(['Unit', 'Task', 'Title', 'Gate'], rows) + more)}`;
}

/** What tasks may change of what judges them: an approval of the specs approves it. */
function allowancesOf({ units }: Plan): string {
  const tasks = units.flatMap((unit) =>
    unit.tasks.filter(({ mayChange }) => mayChange.length > 0).map((task) => ({ unit, task })),
  );
  const { rows, missing } = rowsWithin(tasks, TABLE / 2, ({ unit, task }) => [
    code(unit.id),
    String(task.number),
    listed(
      task.mayChange.map((pattern) => code(pattern)),
      20,
    ),
  ]);
  if (rows.length === 0) return '';
  const more = missing > 0 ? `\n\n… and ${missing} more.` : '';
  return `### What tasks may change of their judge\n\n${table(['Unit', 'Task', 'Files'], rows)}${more}`;
}

function preparationOf({ setup, baselineChecks }: Plan): string {
  const lines = [
    ...setup.map(
      (each) => `- setup: ${code(each.command)}${each.if === null ? '' : ` if there is ${code(each.if)}`}`,
    ),
    ...baselineChecks.map(
      (check) =>
        `- ${inline(check.name)}: ${code(check.command)}${check.pattern === null ? '' : ` where ${code(check.pattern)} changed`}`,
    ),
  ];
  return lines.length === 0 ? '' : `### Setup and baseline checks\n\n${lines.slice(0, 100).join('\n')}`;
}

const SEVERITIES = { error: 0, warning: 1, notice: 2 } as const;

function problemsOf({ problems }: Plan): string {
  const worstFirst = [...problems.list].sort((a, b) => SEVERITIES[a.severity] - SEVERITIES[b.severity]);
  const { rows, missing } = rowsWithin(worstFirst, TABLE / 2, ({ severity, file, line, message, hint }) => [
    severity,
    file === '' ? 'the commit' : `${code(file)}:${line}`,
    inline(message.replaceAll('`', ''), 300) +
      (hint === undefined ? '' : ` — ${inline(hint.replaceAll('`', ''), 200)}`),
  ]);
  if (rows.length === 0) return '';
  const more = missing + problems.dropped;
  return `${table(['', 'Where', 'What'], rows)}${more > 0 ? `\n\n… and ${more} more.` : ''}`;
}

const LEVELS = { error: 'failure', warning: 'warning', notice: 'notice' } as const;

/** Each problem on its line. What is wrong with a branch, or with a tree as a whole, has none. */
function annotationsOf({ problems }: Plan): readonly Annotation[] {
  return problems.list
    .filter(({ file }) => file !== '' && !file.startsWith('refs/'))
    .map(({ severity, code: rule, message, file, line, column, hint }) => ({
      path: file,
      start_line: line,
      end_line: line,
      start_column: column,
      end_column: column,
      annotation_level: LEVELS[severity],
      title: harmlessLine(rule, 100),
      message: cut([message, ...(hint === undefined ? [] : [hint])].map(printable).join('\n'), 4_000),
    }));
}
