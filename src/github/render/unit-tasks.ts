import type { SpecFile, Task, Unit } from '../../discovery/unit.ts';
import type { RunEvent } from '../../events/event.ts';
import { addUsage, NOTHING_SPENT, type Spending } from '../../events/spending.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { formatCost, formatDuration, formatTokens } from '../../text/amounts.ts';
import { cut } from '../../text/cut.ts';
import { stripHidden } from '../../text/hidden-text.ts';
import { code, codeElement, details, filledTable, inline, preformatted, rowsWithin } from './markdown.ts';

/** How many characters the table of tasks may take. */
const TABLE = 20_000;
/** The requirements of one task that are repeated, and of all together. Characters. */
const REQUIREMENTS = 2_000;
const ALL_REQUIREMENTS = 16_000;
/** The end of what one gate printed, and of all together. Characters. */
const PRINTED = 600;
const ALL_PRINTED = 8_000;
/** What an agent says of its own work, and of all tasks together. Characters. */
const SUMMARY = 600;
const ALL_SUMMARIES = 6_000;

/** What one task took. */
interface TaskCost extends Spending {
  readonly durationMs: number;
}

type Shown = {
  readonly unit: Unit;
  readonly progress: UnitProgress;
  /** The events of the unit. */
  readonly events: readonly RunEvent[];
};

/** The tasks of a unit: state, gate, attempts and cost. */
export function tasksOf({ unit, progress, events }: Shown): string {
  const costs = costsOf(events);
  const { rows, missing } = rowsWithin(unit.tasks, TABLE, ({ number, title, gate }) => {
    const task = progress.tasks.get(number);
    const cost = costs.get(number);
    return [
      String(number),
      inline(title, 100),
      code(gate),
      task?.alreadyGreen === true ? 'already green' : (task?.state ?? ''),
      task === undefined || task.attempts === 0 ? '' : String(task.attempts),
      cost === undefined ? '' : formatDuration(cost.durationMs),
      cost === undefined || cost.tokens === 0 ? '' : `${formatTokens(cost.tokens)}, ${formatCost(cost)}`,
      task?.commit?.slice(0, 12) ?? '',
    ];
  });
  const head = ['Task', 'Title', 'Gate', 'State', 'Attempts', 'Time', 'Tokens, cost', 'Commit'];
  return `### Tasks\n\n${filledTable(head, rows)}${missing > 0 ? `\n\n… and ${missing} more.` : ''}`;
}

function costsOf(events: readonly RunEvent[]): ReadonlyMap<number, TaskCost> {
  const costs = new Map<number, TaskCost>();
  for (const event of events) {
    if (event.type !== 'task.provider.done' || event.task === null) continue;
    const before = costs.get(event.task) ?? { ...NOTHING_SPENT, durationMs: 0 };
    costs.set(event.task, {
      ...addUsage(before, event),
      durationMs: before.durationMs + event.durationMs,
    });
  }
  return costs;
}

/** What each task asked for, folded, with a link to its file. It is text from the repository: shown as it is written. */
export function requirementsOf({ tasks }: Unit, specsUrl: string): string {
  return within(tasks, ALL_REQUIREMENTS, ({ number, title, file }) =>
    details(
      `Task ${number}: ${codeElement(title, 100)}`,
      `[${code(file.path)}](${fileUrl(specsUrl, file)})\n\n${preformatted(bodyOf(file, REQUIREMENTS), 'markdown')}`,
    ),
  );
}

/** The end of what each gate printed when it last passed, or failed, in the unit's run. */
export function printedOf({ unit, events }: Pick<Shown, 'unit' | 'events'>): string {
  const last = new Map<number, Extract<RunEvent, { type: 'task.validation.ok' | 'task.validation.fail' }>>();
  for (const event of events)
    if (event.type === 'task.validation.ok' || event.type === 'task.validation.fail')
      last.set(event.task, event);
  const printed = within(unit.tasks, ALL_PRINTED, ({ number, gate }) => {
    const end = last.get(number);
    if (end === undefined) return '';
    const how = `Task ${number}: ${code(gate)} ${end.type === 'task.validation.ok' ? 'passed' : 'failed'} in ${formatDuration(end.durationMs)}`;
    const tail = end.tail.trimEnd();
    const text = tail.length > PRINTED ? `…${tail.slice(-PRINTED)}` : tail;
    return text === '' ? `${how} and printed nothing.` : `${how}:\n\n${preformatted(text, 'text')}`;
  });
  return printed === ''
    ? ''
    : details('What each gate printed at its end, in the run that made this', printed);
}

/** What agents say of their work, marked as nothing but that. */
export function summariesOf({ unit, events }: Pick<Shown, 'unit' | 'events'>): string {
  const last = new Map<number, string>();
  for (const event of events)
    if (event.type === 'task.provider.done' && event.task !== null && event.summary !== undefined)
      last.set(event.task, event.summary);
  const said = within(unit.tasks, ALL_SUMMARIES, ({ number }) => {
    const summary = stripHidden(last.get(number) ?? '').trim();
    return summary === '' ? '' : `Task ${number}:\n\n${preformatted(cut(summary, SUMMARY), 'text')}`;
  });
  return said === '' ? '' : details("The agent's own summary, which nothing checks", said);
}

/** One text for each task, as many as stay below a size; says how many tasks are missing. */
function within(tasks: readonly Task[], limit: number, show: (task: Task) => string): string {
  const texts: string[] = [];
  let size = 0;
  for (const [index, task] of tasks.entries()) {
    const text = show(task);
    size += text.length;
    if (size > limit) return [...texts, `… and ${tasks.length - index} more.`].join('\n\n');
    if (text !== '') texts.push(text);
  }
  return texts.join('\n\n');
}

/** The first sentence of a unit's plan below its title; empty where it has none. */
export function purposeOf({ plan }: Unit): string {
  const paragraph: string[] = [];
  for (const line of bodyOf(plan, REQUIREMENTS)
    .split('\n')
    .map((each) => each.trim())) {
    const isProse = line !== '' && !/^(?:[#>|<`~]|[-*+] |\d+[.)] |-{3}|={3}|!?\[)/.test(line);
    if (isProse) paragraph.push(line);
    else if (paragraph.length > 0) break;
  }
  const [sentence = ''] = paragraph.join(' ').split(/(?<=[.!?])\s/);
  return inline(sentence, 300);
}

/** What is read of a file is a multiple of what is shown of it: most of a long one is left out. */
const READ_FACTOR = 4;

/** A file below its header, as far as it is shown, without what a reader of the page does not see. */
export function bodyOf({ content, frontMatter: { bodyStart } }: SpecFile, limit: number): string {
  const text = new TextDecoder().decode(content).slice(bodyStart, bodyStart + limit * READ_FACTOR);
  return cut(stripHidden(text).trim(), limit);
}

/** The address of a spec file at the commit that was approved. */
export function fileUrl(specsUrl: string, { path }: Pick<SpecFile, 'path'>): string {
  const parts = path.split('/').map((part) => encodeURIComponent(part).replaceAll(/[()'*!]/g, spell));
  return `${specsUrl}${parts.join('/')}`;
}

function spell(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`;
}
