import type { Task, Unit } from '../discovery/unit.ts';
import type { GateReason } from '../events/command-end.ts';
import { stripHidden } from '../text/hidden-text.ts';
import { withoutRehearsal } from './rehearsal.ts';

/** What the prompt says about an earlier attempt at the same work. */
export interface EarlierAttempt {
  /** The outcome of the agent, as text. */
  readonly outcome: string;
  /** Changed paths, from the root of the repository. */
  readonly changed: readonly string[];
  /** Why the attempt did not complete the task. `tail` is the end of the gate's output. */
  readonly verdict: string;
  readonly tail: string;
  /** Why the gate was red. */
  readonly reason?: GateReason;
}

/** The input of the prompt for one attempt at a task. */
export interface TaskPrompt {
  readonly unit: Pick<Unit, 'id' | 'title' | 'tasks' | 'plan' | 'context'>;
  readonly task: Task;
  /** The project's directory from the repository's root: empty, or with a trailing slash. */
  readonly directory: string;
  readonly attempt: number;
  readonly attempts: number;
  /** The gate passed before any work. */
  readonly alreadyGreen: boolean;
  /** The numbers of the unit's complete tasks. */
  readonly complete: ReadonlySet<number>;
  /** The earlier attempts at this task, oldest first. */
  readonly earlier: readonly EarlierAttempt[];
}

/** The maximum number of changed paths in a prompt; more would not help an agent. */
const MAX_PATHS = 50;

/** The prompt for one attempt at a task. Pure; hidden text of the specs is left out, and blocks for the provider rehearsal. */
export function taskPrompt(input: TaskPrompt): string {
  const { unit, task, attempt, attempts, alreadyGreen, earlier } = input;
  const parts = [
    `# Your task: ${oneLine(task.title)}`,
    [
      `- Unit: \`${unit.id}\` (${oneLine(unit.title)})`,
      `- Task: ${task.number} of ${unit.tasks.length}, described in \`${input.directory}${task.file.path}\``,
      `- Gate: \`${oneLine(task.gate)}\``,
      `- Attempt: ${attempt} of ${attempts}`,
      ...(task.mayChange.length === 0
        ? []
        : [`- It may change: ${task.mayChange.map((each) => `\`${oneLine(each)}\``).join(', ')}`]),
    ].join('\n'),
    RULES,
    ...(alreadyGreen
      ? ['The gate passes already, before any work on this task. Do what the task asks for all the same.']
      : []),
    othersText(input),
    ...earlier.map((each, index) => earlierText(each, index + 1)),
    `## The plan of the unit\n\n${bodyOf(unit.plan)}`,
    `## The task\n\n${bodyOf(task.file)}`,
    contextText(input),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** The prompt of the first attempt at a task, as far as it is known before the run. Pure. */
export function firstPrompt(input: Pick<TaskPrompt, 'unit' | 'task' | 'directory' | 'attempts'>): string {
  const done = input.unit.tasks.filter(({ status }) => status === 'complete');
  const complete = new Set(done.map(({ number }) => number));
  return taskPrompt({ ...input, attempt: 1, alreadyGreen: false, complete, earlier: [] });
}

/** The input of the prompt for a red baseline check. */
export interface RepairPrompt {
  readonly unit: Pick<Unit, 'id' | 'title'>;
  readonly check: { readonly name: string; readonly command: string };
  readonly attempt: number;
  readonly attempts: number;
  readonly tail: string;
  readonly earlier: readonly EarlierAttempt[];
}

/** The prompt for one repair of a baseline check. Pure. */
export function repairPrompt({ unit, check, attempt, attempts, tail, earlier }: RepairPrompt): string {
  return `${[
    `# Your task: make the check \`${oneLine(check.name)}\` pass`,
    [
      `- Unit: \`${unit.id}\` (${oneLine(unit.title)}), whose tasks are all done`,
      `- Check: \`${oneLine(check.command)}\``,
      `- Attempt: ${attempt} of ${attempts}`,
    ].join('\n'),
    RULES,
    'Repair what the check reports and nothing else. The gates of the unit must go on passing.',
    `## What the check printed at its end\n\n${fence(tail)}`,
    ...earlier.map((each, index) => earlierText(each, index + 1)),
  ].join('\n\n')}\n`;
}

/** How every attempt is judged, told to the agent. */
export const RULES = `## How it is judged

- When you stop, the gate is run for you, without a network, on exactly the files you leave in this directory. It must exit
  with 0. Nothing else counts, not even what you say about it.
- Work only in this directory. Files the gate names, spec files, CI settings, \`.git*\` and agent settings are put back to
  what they were, whatever you write there. Files that the task may change are not.
- Leave alone how the project is built, tested and linted, unless the task may change it: else a person has to agree, and
  the work waits.
- Do not commit: that is done for you. Leave nothing behind that does not belong into the repository.`;

function othersText({ unit, task, complete }: TaskPrompt): string {
  if (unit.tasks.length === 1) return '';
  const lines = unit.tasks.map((each) => {
    const state = each.number === task.number ? 'yours' : complete.has(each.number) ? 'done' : 'later';
    return `- ${each.number}. ${oneLine(each.title)} (${state})`;
  });
  return `## The tasks of the unit\n\n${lines.join('\n')}`;
}

/** The pages that a unit names, which are not pasted. */
function contextText({ unit, directory }: TaskPrompt): string {
  if (unit.context.length === 0) return '';
  const paths = unit.context.map((path) => `- \`${oneLine(directory + path)}\``);
  return `## Read also\n\n${paths.join('\n')}`;
}

function earlierText({ outcome, changed, verdict, tail, reason }: EarlierAttempt, number: number): string {
  const more = changed.length > MAX_PATHS ? `\n- and ${changed.length - MAX_PATHS} more` : '';
  const paths = changed.slice(0, MAX_PATHS).map((path) => `- \`${oneLine(path)}\``);
  return [
    `## Attempt ${number}: ${oneLine(outcome)}; ${oneLine(verdict)}`,
    changed.length === 0
      ? 'It changed no file.'
      : `Its changes are still here:\n\n${paths.join('\n')}${more}`,
    ...(reason === undefined ? [] : [`Why it is red: ${reasonText(reason)}`]),
    ...(tail === '' ? [] : [`The gate printed at its end:\n\n${fence(tail)}`]),
  ].join('\n\n');
}

/** The reason and its position, as text that cannot act as Markdown. */
function reasonText({ text, file, line }: GateReason): string {
  const at =
    file === null ? '' : `, at \`${oneLine(file).replaceAll('`', "'")}${line === null ? '' : `:${line}`}\``;
  return `\`${oneLine(text).replaceAll('`', "'")}\`${at}`;
}

/** The text of a spec without its front matter what a reader of the page does not see, and blocks for the provider rehearsal. */
export function bodyOf(file: Task['file']): string {
  const text = Buffer.from(file.content).toString('utf8');
  return stripHidden(withoutRehearsal(text.slice(file.frontMatter.bodyStart))).trim();
}

/** Puts a text into a code block, with a fence longer than any in the text. */
function fence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}\n${text.trimEnd()}\n${ticks}`;
}

/** A text as one line, without what a reader does not see. */
export function oneLine(text: string): string {
  return stripHidden(text).replaceAll(/\s+/g, ' ').trim();
}
