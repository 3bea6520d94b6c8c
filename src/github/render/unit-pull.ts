import type { Unit } from '../../discovery/unit.ts';
import type { RunEvent } from '../../events/event.ts';
import { addUsage, NOTHING_SPENT, type Spending } from '../../events/spending.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { describeCost, formatCost, formatDuration, formatTokens } from '../../text/amounts.ts';
import { cut } from '../../text/cut.ts';
import { harmlessLine } from '../../text/harmless.ts';
import { stripHidden } from '../../text/hidden-text.ts';
import { code, details, fit, inline, listed, preformatted, rowsWithin, table } from './markdown.ts';

/** A unit's work, and where it stands among the others. */
export interface UnitPullInput {
  readonly unit: Unit;
  readonly progress: UnitProgress;
  /** The events of the unit. */
  readonly events: readonly RunEvent[];
  readonly run: { readonly id: string; readonly url: string };
  readonly sandbox: 'bubblewrap' | 'host';
  readonly dependsOn: readonly {
    readonly unit: string;
    readonly pull: { readonly number: number; readonly merged: boolean } | undefined;
  }[];
  /** What must be merged before. */
  readonly needs: readonly string[];
  readonly marker: string;
}

/** The longest part of the spec that is repeated. Characters. */
const SPEC = 4_000;
/** The longest list of what a unit builds on. Characters. */
const STACK = 8_000;

/** The pull request of a unit, for who reviews it. Pure. */
export function renderUnitPull(shown: UnitPullInput): { readonly title: string; readonly body: string } {
  const { unit, progress, marker } = shown;
  const name = harmlessLine(unit.title) === '' ? unit.id : unit.title;
  return {
    title: harmlessLine(`${progress.state === 'failed' ? 'Unfinished: ' : ''}${name}`),
    body: fit(
      [
        { text: firstOf(shown), rank: 0, name: 'the summary' },
        { text: stackOf(shown), rank: 1, name: 'the stack' },
        { text: tasksOf(shown), rank: 1, name: 'the tasks' },
        { text: reviewNotes(shown), rank: 1, name: 'what to know' },
        { text: specOf(unit), rank: 2, name: 'the spec' },
      ],
      marker,
    ),
  };
}

function firstOf({ unit, progress, run }: UnitPullInput): string {
  const { state, verified, message, hint, spending, plan } = progress;
  const how =
    state === 'failed'
      ? `**It did not come to its end**: ${inline(message ?? '', 500)}${hint === null ? '' : ` — ${inline(hint, 300)}`} What is committed passed its gates.`
      : verified
        ? 'Every gate passed again in a fresh worktree at this head.'
        : '**Not verified.**';
  return [
    `Unit ${code(unit.id)} by ${code(plan.provider)}, made by choo from ${code(unit.directory)} in [run ${run.id}](${run.url}). ${how}`,
    `${formatTokens(spending.tokens)} tokens, ${describeCost(spending)}.`,
  ].join('\n\n');
}

function stackOf({ dependsOn, needs }: UnitPullInput): string {
  if (dependsOn.length === 0) return '';
  const { rows, missing } = rowsWithin(dependsOn, STACK, ({ unit, pull }) => {
    const where = pull === undefined ? 'in the target' : `#${pull.number}${pull.merged ? ', merged' : ''}`;
    return [`- ${code(unit)}: ${where}`];
  });
  const lines = [...rows.flat(), ...(missing > 0 ? [`- … and ${missing} more`] : [])];
  const first =
    needs.length === 0
      ? ''
      : `\n\n**Merge first:** ${listed(
          needs.map((id) => code(id)),
          50,
        )}. This is a draft until then.`;
  return `### Builds on\n\n${lines.join('\n')}${first}`;
}

/** What one task took. */
interface TaskCost extends Spending {
  readonly durationMs: number;
}

function tasksOf({ unit, progress, events }: UnitPullInput): string {
  const costs = new Map<number, TaskCost>();
  for (const event of events) {
    if (event.type !== 'task.provider.done' || event.task === null) continue;
    const before = costs.get(event.task) ?? { ...NOTHING_SPENT, durationMs: 0 };
    costs.set(event.task, {
      ...addUsage(before, event),
      durationMs: before.durationMs + event.durationMs,
    });
  }
  const { rows, missing } = rowsWithin(unit.tasks, 20_000, ({ number, title, gate }) => {
    const task = progress.tasks.get(number);
    const cost = costs.get(number);
    return [
      String(number),
      inline(title, 100),
      code(gate),
      task?.alreadyGreen === true ? 'already green' : (task?.state ?? ''),
      String(task?.attempts ?? 0),
      cost === undefined ? '' : formatDuration(cost.durationMs),
      cost === undefined || cost.tokens === 0 ? '' : `${formatTokens(cost.tokens)}, ${formatCost(cost)}`,
      task?.commit?.slice(0, 12) ?? '',
    ];
  });
  const head = ['Task', 'Title', 'Gate', 'State', 'Attempts', 'Time', 'Tokens, cost', 'Commit'];
  return `### Tasks\n\n${table(head, rows)}${missing > 0 ? `\n\n… and ${missing} more.` : ''}`;
}

/** What a reviewer would want to have been told. */
function reviewNotes({ progress, sandbox }: UnitPullInput): string {
  const green = [...progress.tasks].filter(([, { alreadyGreen }]) => alreadyGreen).map(([number]) => number);
  const lines = [
    ...(green.length === 0
      ? []
      : [
          `- The gate of task ${green.join(', ')} was *already green* before any work: it says little about what was done.`,
        ]),
    ...[...new Set(progress.notices.map(({ message }) => message))]
      .slice(0, 30)
      .map((message) => `- ${inline(message, 500)}`),
    ...(sandbox === 'host' ? ['- It ran without a sandbox.'] : []),
    ...(progress.spending.basis === 'reserved'
      ? ['- Some of its cost is what was set aside for an attempt: what that took is not known.']
      : []),
    ...(progress.spending.unknownCost ? ['- Not all of its cost is known: the provider does not say.'] : []),
  ];
  return lines.length === 0 ? '' : `### To know\n\n${lines.join('\n')}`;
}

/** What was asked for, as it is written and not as it would be rendered: it is text from the repository. */
function specOf({ plan }: Unit): string {
  const text = new TextDecoder().decode(plan.content).slice(plan.frontMatter.bodyStart);
  const shown = cut(stripHidden(text).trim(), SPEC);
  return shown === '' ? '' : details('What was asked for', preformatted(shown, 'markdown'));
}
