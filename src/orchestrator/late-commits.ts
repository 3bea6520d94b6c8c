import type { UnitRecord } from '../events/store.ts';
import { findForbidden } from '../git/forbidden-changes.ts';
import { type Change, diffTrees, treeOf } from '../git/objects/tree-object.ts';
import type { Repository } from '../git/repository.ts';
import { findOwnCommits } from '../worker/own-commits.ts';
import { findProtection, isRestored, mayChangeOf } from '../worker/judge/protection.ts';
import { applyEdit, type SpecEdit, statusEdits } from '../worker/spec-status.ts';
import type { UnitStartInput } from './unit-start-input.ts';

/**
 * Finds the tasks of an unrecorded head that an earlier claim of this run may have pushed after it was declared dead: its
 * commits build on the recorded one, name this run and unit, and change no protected path. Undefined when it is not ours.
 * Trailers prove nothing: the gates run again before a task counts.
 */
export async function findLateWork(
  question: UnitStartInput,
  record: UnitRecord,
  head: string,
  { branches, reader }: Repository,
): Promise<readonly number[] | undefined> {
  const { run, unit } = question;
  if (record.run !== run) return undefined; // this run has not pushed yet
  await branches.fetch(); // it may have been pushed just now
  const known = new Set([record.head ?? record.base, record.committed]);
  const own = await findOwnCommits(reader, { head, known, run, unit: unit.id });
  if (own === undefined) return undefined;
  const [before, after] = [await treeOf(reader, own.since), await treeOf(reader, head)];
  const changes = await diffTrees(reader, before, after);
  if ((await findForbidden(reader, after, changes)).length > 0) return undefined;
  const protection = await findProtection(reader, { ...question, base: record.base });
  const mayChange = mayChangeOf(unit);
  const edits = new Map(editsOf(question).map((edit) => [question.directory + edit.path, edit]));
  for (const change of changes) {
    const isAtBase = change.before !== undefined;
    if (!isRestored(protection, change.path, { isAtBase, mayChange })) continue;
    const edit = edits.get(change.path);
    if (edit === undefined || !(await saysOnlyThat(change, edit, { reader }))) return undefined;
  }
  return own.tasks.filter((number) => unit.tasks.some((task) => task.number === number));
}

/** Every edit that choo makes to the unit's own specs. */
function editsOf({ unit, branch }: UnitStartInput): readonly SpecEdit[] {
  return unit.tasks.flatMap((task) => statusEdits(unit, task, { branch, at: new Date(0) }));
}

/** Whether a file differs only by choo's own edits. */
async function saysOnlyThat(
  { before, after }: Change,
  edit: SpecEdit,
  { reader }: Pick<Repository, 'reader'>,
): Promise<boolean> {
  if (before === undefined || after === undefined || before.mode !== after.mode) return false;
  const contents = await reader.contents([before.id, after.id]);
  try {
    const [old, now] = contents.map((content) => applyEdit(content ?? Buffer.alloc(0), edit));
    return old !== undefined && now !== undefined && old.equals(now);
  } catch {
    return false; // no longer a spec
  }
}
