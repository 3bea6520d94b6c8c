import { setField } from '../discovery/front-matter-edit.ts';
import type { Task, Unit } from '../discovery/unit.ts';

/** A file of the unit and what its front matter is to say; paths as discovery knows them. */
export interface SpecEdit {
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What choo writes back with the commit of a task, and with that of the unit's last one. */
export function statusEdits(
  unit: Unit,
  task: Task,
  end: { readonly branch: string; readonly at: Date } | undefined,
): readonly SpecEdit[] {
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

/** The file with its fields set. Throws a ChooError (`conflict`) where the front matter cannot be edited in place. */
export function applyEdit(content: Uint8Array, { fields }: SpecEdit): Buffer {
  let text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  for (const [name, value] of Object.entries(fields)) text = setField(text, name, value);
  return Buffer.from(text);
}

/** Tries every edit that a run of the unit could need, so that what cannot be written back is known before it costs. */
export function checkEdits(unit: Unit, branch: string): void {
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
