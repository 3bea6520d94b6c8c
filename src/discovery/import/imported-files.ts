import { PLAN_FILE } from '../parse.ts';
import type { SpecFile, Unit } from '../unit.ts';
import { hashOf, type Marker } from './marker.ts';

/** A file that an import wants to be there. */
export interface WantedFile {
  readonly unit: string;
  readonly name: string;
  /** Without its marker. */
  readonly text: string;
  readonly marker: Marker;
  /** The line of the task list that it comes from. */
  readonly line: number;
}

/** The most tasks of a unit of choo's own, whose files begin with two digits. */
export const MAX_TASKS = 99;

/** The files of a unit of another tool in choo's own format. `blob`: the git id of its task list. */
export function filesOf(unit: Unit, blob: string): readonly WantedFile[] {
  const from = unit.plan.path;
  const file = ({ content, name = PLAN_FILE }: SpecFile, task: string, done: boolean, line: number) => {
    const text = Buffer.from(content).toString('utf8');
    return { unit: unit.id, name, text, marker: { of: hashOf(text), blob, from, task, done }, line };
  };
  return [
    file(unit.plan, '', false, unit.tasks[0]?.boxes?.[0]?.line ?? 1),
    ...unit.tasks.map((task) =>
      file(task.file, task.label ?? task.title, task.status === 'complete', task.boxes?.[0]?.line ?? 1),
    ),
  ];
}
