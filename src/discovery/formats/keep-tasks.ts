import type { Report } from '../../problems/problem.ts';
import type { FoundTask, FoundUnit } from './format.ts';
import { findGate, type FoundGate, joinGates } from './found-gate.ts';

/** A task with its number and gate in the unit. */
export interface Kept {
  readonly task: FoundTask;
  readonly number: number;
  readonly gate: FoundGate;
}

/** Where gates that no line names come from. */
export interface GateSources {
  readonly defaultGate: string | undefined;
  /** The gates that people chose, by what {@link nameTask} calls a task. */
  readonly chosen: ReadonlyMap<string, string>;
}

/** Where a task's gate comes from; `spec`: from choo's own front matter. */
type GateOrigin = 'chosen' | 'task' | 'unit' | 'default' | 'spec';

/** A task, and the gate that was found for it. */
export interface ListedGate {
  readonly unit: string;
  /** The directory of the task list. */
  readonly directory: string;
  /** What choices call it. */
  readonly name: string;
  readonly title: string;
  readonly file: string;
  readonly line: number;
  readonly done: boolean;
  /** Null: there is none. */
  readonly gate: {
    readonly command: string;
    readonly from: GateOrigin;
    /** The line of the file that names it; null: no line does. */
    readonly line: number | null;
  } | null;
}

/** What choices call a task: its number, or its title where it has none. */
export function nameTask({ label, title }: Pick<FoundTask, 'label' | 'title'>): string {
  return label ?? title;
}

/** The gate of each task of a unit. What people chose wins over what is found. */
export function gatesOf(unit: FoundUnit, sources: GateSources): readonly (Origin | undefined)[] {
  return unit.tasks.map((task, index) => {
    const chosen = sources.chosen.get(nameTask(task));
    if (chosen !== undefined) return { gate: { command: chosen, at: task.at }, from: 'chosen' };
    const own = findGate([titleLine(task), ...task.details]);
    const last = index === unit.tasks.length - 1 ? unit.lastGate : undefined;
    const gate = joinGates(own, last);
    if (gate !== undefined) return { gate, from: own === undefined ? 'unit' : 'task' };
    const standard = sources.defaultGate;
    // An id holds nothing that a shell reads as more than a word.
    const command = standard?.replaceAll('{unit}', unit.id);
    return command === undefined ? undefined : { gate: { command, at: task.at }, from: 'default' };
  });
}

interface Origin {
  readonly gate: FoundGate;
  readonly from: GateOrigin;
}

/** The tasks with a gate, numbered from 1; `lacking` where an open one has none. */
export function keepTasks(
  unit: FoundUnit,
  gates: readonly (Origin | undefined)[],
  report: Report,
): { readonly kept: readonly Kept[]; readonly lacking: boolean } {
  const kept: Kept[] = [];
  let lacking = false;
  for (const [index, task] of unit.tasks.entries()) {
    const found = gates[index];
    if (found !== undefined) kept.push({ task, number: kept.length + 1, gate: found.gate });
    else if (task.done)
      report(
        'notice',
        'format-gate-missing',
        task.at,
        'this ticked task has no gate, so it cannot be verified',
        {
          hint: 'it counts as complete; name a command in backticks behind `Verify:` to have it checked',
        },
      );
    else {
      lacking = true;
      report('error', 'format-gate-missing', task.at, 'this task has no gate, so its unit does not run', {
        hint: 'write its command in backticks behind `Verify:`, set `default_gate` in `.choo.yml`, or fill it in with `choo gates`',
      });
    }
  }
  return { kept, lacking };
}

function titleLine({ title, at }: FoundTask): FoundTask['details'][number] {
  return { number: at.line, text: title, indent: 0, hidden: false, almostBox: false };
}
