import type { Config } from '../../config/schema.ts';
import { renderMermaid } from '../../plan/mermaid.ts';
import type { Plan, PlanUnit } from '../../plan/schema.ts';
import { cut } from '../../text/cut.ts';
import { harmlessLine } from '../../text/harmless.ts';
import { count, printable } from '../../text/terminal-layout.ts';
import type { Annotation, Conclusion } from '../api/checks.ts';
import { code, details, fenced, fit, inline, listed, rowsWithin, table } from './markdown.ts';

/** A plan, and what is known of where it stands. */
export interface PlanCheckInput {
  readonly plan: Plan;
  /** The commit that the specs were read at, and the one of the configuration. */
  readonly commit: string;
  readonly configCommit: string;
  /** What is to be said about the configuration, in choo's own words. */
  readonly configNote: string | null;
  /** What a run may spend, by the repository or the operator; null: no configuration holds. */
  readonly limits: Pick<Config['limits'], 'run_cost' | 'run_tokens'> | null;
  /** By unit: whether its work was done before. */
  readonly keys: ReadonlyMap<string, KeyState>;
  /** The units that the push or pull request changes. */
  readonly changed: ReadonlySet<string>;
}

/** `new`: not done yet; `changed`: done for other specs; `satisfied`: done and verified as it is. */
export type KeyState = 'new' | 'changed' | 'satisfied';

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
  const planned = plan.waves.flat().length;
  const conclusion = errors > 0 ? 'failure' : planned === 0 ? 'neutral' : 'success';
  return {
    title: titleOf(plan),
    summary: fit([
      { text: headlineOf(shown), rank: 0, name: 'the summary' },
      { text: problemsOf(plan), rank: 1, name: 'problems' },
      { text: unitsOf(shown), rank: 2, name: 'the table of units' },
      { text: fenced(renderMermaid(plan).trimEnd(), 'mermaid'), rank: 3, name: 'the graph' },
    ]),
    text: fit([
      { text: wavesOf(plan), rank: 1, name: 'the waves' },
      { text: gatesOf(plan), rank: 2, name: 'the gates' },
      { text: preparationOf(plan), rank: 1, name: 'setup and checks' },
    ]),
    conclusion,
    annotations: annotationsOf(plan),
  };
}

function titleOf({ problems, waves }: Plan): string {
  if (problems.errors > 0) return `${count(problems.errors, 'error')} in the plan`;
  const units = waves.flat().length;
  return units === 0 ? 'Nothing to run' : `${count(units, 'unit')} in ${count(waves.length, 'wave')}`;
}

function headlineOf({ plan, commit, configCommit, configNote, limits }: PlanCheckInput): string {
  const { criticalPath, parallelism } = plan;
  const path =
    criticalPath.units.length === 0
      ? ''
      : `Critical path: ${criticalPath.units
          .slice(0, 20)
          .map((id) => code(id))
          .join(
            ' → ',
          )}${criticalPath.units.length > 20 ? ' → …' : ''}, ${count(criticalPath.tasks, 'task')}. At most ${count(parallelism, 'unit')} at a time.`;
  return [
    `Specs at ${commit.slice(0, 12)}, configuration at ${configCommit.slice(0, 12)}${plan.configFile === null ? ' (defaults)' : ` (${code(plan.configFile)})`}.`,
    configNote ?? '',
    path,
    limits === null || path === '' ? '' : `A run spends at most ${amountOf(limits)}.`,
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}

function amountOf({ run_cost, run_tokens }: NonNullable<PlanCheckInput['limits']>): string {
  const tokens = `${run_tokens.toLocaleString('en-US')} tokens`;
  return run_cost === undefined ? tokens : `$${run_cost.toLocaleString('en-US')} and ${tokens}`;
}

const STATE: Readonly<Record<PlanUnit['state'], string>> = {
  planned: 'to do',
  verify: 'to verify',
  complete: 'complete, not verified',
  broken: 'broken',
  stuck: 'waits for a broken unit',
  'left-out': 'not asked for',
};

const KEY: Readonly<Record<KeyState, string>> = {
  new: 'new',
  changed: 'changed',
  satisfied: 'done and verified',
};

function unitsOf({ plan, keys, changed }: PlanCheckInput): string {
  const order = [...plan.units].sort((a, b) => (a.wave ?? Infinity) - (b.wave ?? Infinity));
  const { rows, missing } = rowsWithin(order, TABLE, (unit) => {
    const key = keys.get(unit.id);
    const { provider } = unit;
    return [
      `${code(unit.id)}${changed.has(unit.id) ? ' ✎' : ''}`,
      inline(unit.title, 80),
      unit.wave === null ? '' : String(unit.wave),
      STATE[unit.state],
      key === undefined ? '' : KEY[key],
      String(unit.tasks.length),
      provider === null ? '' : `${provider.name} (${provider.source})`,
      listed(
        unit.dependsOn.map((id) => code(id)),
        10,
      ),
    ];
  });
  if (rows.length === 0) return '';
  const head = ['Unit', 'Title', 'Wave', 'State', 'Work', 'Tasks', 'Provider', 'Builds on'];
  const mark = changed.size > 0 ? '\n\n✎ changed here' : '';
  return `${table(head, rows)}${missing > 0 ? `\n\n… and ${missing} more.` : ''}${mark}`;
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
    `${code(file)}:${line}`,
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
