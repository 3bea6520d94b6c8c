import type { Report } from '../../problems/problem.ts';
import type { FoundTask, FoundUnit } from './format.ts';
import { findGate, type FoundGate, joinGates } from './found-gate.ts';

/** A task with its number and gate in the unit. */
export interface Kept {
  readonly task: FoundTask;
  readonly number: number;
  readonly gate: FoundGate;
}

/** The tasks with a gate, numbered from 1; `lacking` where an open one has none. */
export function keepTasks(
  unit: FoundUnit,
  defaultGate: string | undefined,
  report: Report,
): { readonly kept: readonly Kept[]; readonly lacking: boolean } {
  const kept: Kept[] = [];
  let lacking = false;
  for (const [index, task] of unit.tasks.entries()) {
    const own = findGate([titleLine(task), ...task.details]);
    const last = index === unit.tasks.length - 1 ? unit.lastGate : undefined;
    const gate = joinGates(own, last) ?? standard(unit, task, defaultGate);
    if (gate !== undefined) kept.push({ task, number: kept.length + 1, gate });
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
        hint: 'write its command in backticks behind `Verify:`, or set `default_gate` in `.choo.yml`',
      });
    }
  }
  return { kept, lacking };
}

function titleLine({ title, at }: FoundTask): FoundTask['details'][number] {
  return { number: at.line, text: title, indent: 0, hidden: false, almostBox: false };
}

function standard(
  { id }: FoundUnit,
  { at }: FoundTask,
  defaultGate: string | undefined,
): FoundGate | undefined {
  // An id holds nothing that a shell reads as more than a word.
  return defaultGate === undefined ? undefined : { command: defaultGate.replaceAll('{unit}', id), at };
}
