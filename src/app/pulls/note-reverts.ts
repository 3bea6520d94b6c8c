import { requestRefresh } from '../../store/github/reports.ts';
import { saveRevert } from '../../store/runs/event-rows.ts';
import type { ReportContext } from './report-context.ts';

/**
 * Notes in the records which merged work a later commit of the target took back, so that such a unit is open again, or brought
 * back. What is news is published again, with all that builds on it.
 */
export async function noteReverts({
  repository,
  state,
  pulls,
  records,
  stack,
  database,
}: ReportContext): Promise<void> {
  const { target } = state;
  const { id } = repository.known;
  const merged = [...records.values()].filter(
    ({ unit, outcome }) =>
      (outcome === 'merged' || outcome === 'reverted') && pulls.get(unit)?.state === 'merged',
  );
  if (merged.length === 0) return;
  const found = await stack();
  if (found === undefined) return;
  for (const { unit, revert: before } of merged) {
    const revert = found.reverted.get(unit);
    if (revert !== before && (await saveRevert(database, id, { target, unit, revert })))
      await requestRefresh(database, { repository: id, target, unit });
  }
}
