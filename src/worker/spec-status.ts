import { setField } from '../discovery/front-matter-edit.ts';
import type { Task, Unit } from '../discovery/unit.ts';

/** A change of a spec's front matter; paths as in discovery. */
export interface SpecEdit {
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The edits that choo commits with a task, and with the unit's last one. */
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

/** Sets fields in the front matter. Throws a ChooError (`conflict`) when it cannot be edited in place. */
export function applyEdit(content: Uint8Array, { fields }: SpecEdit): Buffer {
  let text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  for (const [name, value] of Object.entries(fields)) text = setField(text, name, value);
  return Buffer.from(text);
}

/** Tries every edit that a run of the unit could need, so that failures show before an agent costs anything. */
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
