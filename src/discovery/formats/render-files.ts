import { withoutTick } from './boxes.ts';
import { slug } from './format.ts';
import type { OutlineLine } from './outline.ts';

/** A task as choo writes it. */
export interface TaskText {
  readonly number: number;
  readonly done: boolean;
  readonly gate: string;
  readonly dependsOn: readonly string[];
  readonly title: string;
  readonly label: string | undefined;
  readonly details: readonly OutlineLine[];
}

/** The name of a task's file. */
export function taskFileName({ number, title }: Pick<TaskText, 'number' | 'title'>): string {
  return `${String(number).padStart(2, '0')}-${slug(title) || 'task'}.md`;
}

/**
 * A task in choo's own format: front matter, title, and the lines below it with empty boxes, since ticks say nothing of what is to
 * be done. `detailsFrom`: the line at which the latter begin.
 */
export function renderTask(task: TaskText): { readonly text: string; readonly detailsFrom: number } {
  const { number, done, gate, dependsOn, title, label, details } = task;
  const name = title === '' ? (label ?? 'Task') : title;
  const lines = [
    `task: ${number}`,
    `status: ${done ? 'complete' : 'pending'}`,
    `backpressure: ${quoted(gate)}`,
    `depends_on: [${dependsOn.join(', ')}]`,
  ];
  const head = `---\n${lines.join('\n')}\n---\n\n# ${name}\n\n`;
  const margin = marginOf(details);
  const body = details.map(({ text }) => `${withoutTick(text).slice(Math.min(margin, indentOf(text)))}\n`);
  return { text: head + body.join(''), detailsFrom: head.split('\n').length };
}

/** A unit's plan in choo's own format. `context`: paths that an agent is told to read. */
export function renderPlan({
  id,
  title,
  dependsOn,
  context,
}: {
  readonly id: string;
  readonly title: string;
  readonly dependsOn: readonly string[];
  readonly context: readonly string[];
}): string {
  const lists = [
    `depends_on: [${dependsOn.map(quoted).join(', ')}]`,
    ...(context.length === 0 ? [] : [`context: [${context.map(quoted).join(', ')}]`]),
  ];
  return `---\n${lists.join('\n')}\n---\n\n# ${title === '' ? id : title}\n`;
}

function quoted(text: string): string {
  return /[\0-\x1f\x7f-\uffff]/.test(text) ? JSON.stringify(text) : `'${text.replaceAll("'", "''")}'`;
}

/** The white space that all lines begin with, in characters. */
function marginOf(lines: readonly OutlineLine[]): number {
  const widths = lines.filter(({ text }) => text.trim() !== '').map(({ text }) => indentOf(text));
  return widths.reduce((least, width) => Math.min(least, width), widths[0] ?? 0);
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}
