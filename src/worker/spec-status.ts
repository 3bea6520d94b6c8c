import { type BoxPlace, tickBoxes } from '../discovery/formats/boxes.ts';
import { setField } from '../discovery/front-matter-edit.ts';
import type { Task, Unit } from '../discovery/unit.ts';

/** A change of a spec's front matter, or of boxes of a task list; paths as in discovery. At most one for a file. */
export type SpecEdit =
  | { readonly path: string; readonly fields: Readonly<Record<string, string>> }
  | { readonly path: string; readonly boxes: readonly BoxPlace[] };

/** The edits that choo commits with a task, and with the unit's last one. */
export function statusEdits(
  unit: Unit,
  task: Task,
  end: { readonly branch: string; readonly at: Date } | undefined,
): readonly SpecEdit[] {
  if (unit.source !== undefined) {
    const boxes = [...(task.boxes ?? []), ...(end === undefined ? [] : unit.source.boxes)];
    return [{ path: unit.plan.path, boxes }];
  }
  const edits: SpecEdit[] = [{ path: task.file.path, fields: { status: 'complete' } }];
  if (end !== undefined) {
    const at = `${end.at.toISOString().slice(0, 19)}Z`;
    edits.push({
      path: unit.plan.path,
      fields: { orch_status: 'complete', orch_branch: end.branch, orch_completed_at: at },
    });
  }
  return edits;
}

/** Sets fields in the front matter, or ticks boxes. Throws a ChooError (`conflict`) when it cannot be edited in place. */
export function applyEdit(content: Uint8Array, edit: SpecEdit): Buffer {
  if ('boxes' in edit) return tickBoxes(content, edit.boxes);
  let text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  for (const [name, value] of Object.entries(edit.fields)) text = setField(text, name, value);
  return Buffer.from(text);
}

/** Tries every edit that a run of the unit could need, so that failures show before an agent costs anything. */
export function checkEdits(unit: Unit, branch: string): void {
  if (unit.source !== undefined) return; // a box that was read can be ticked
  const contents = new Map(
    [unit.plan, ...unit.tasks.map((task) => task.file)].map((file) => [file.path, file.content]),
  );
  for (const task of unit.tasks) {
    for (const edit of statusEdits(unit, task, { branch, at: new Date(0) })) {
      const content = contents.get(edit.path);
      if (content !== undefined) applyEdit(content, edit);
    }
  }
}
