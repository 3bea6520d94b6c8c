import { ENDED } from '../../events/run-rules.ts';
import type { RunCommentInput } from '../../github/render/run-comment.ts';
import type { UnitLinks } from '../../github/render/run-words.ts';
import type { Database } from '../../store/database/database.ts';
import { findNewerRun, findRuns, type Report, requestRefresh } from '../../store/github/reports.ts';
import type { RunStore } from '../../store/runs/run-store.ts';
import { findRunAhead } from '../../store/runs/run-reader.ts';
import { staysWithoutPull } from '../pulls/publish-unit.ts';
import type { ReportContext } from '../pulls/report-context.ts';
import { runPage } from '../repository/pages.ts';
import { hasEnded } from './run-checks.ts';

/** Reads what the status comment of a run shows. */
export async function readStatusComment(
  report: Report,
  reportContext: ReportContext,
  services: { readonly runStore: RunStore },
): Promise<Omit<RunCommentInput, 'marker' | 'isThread' | 'links' | 'refusals'>> {
  const { state, database, repository } = reportContext;
  const newer = report.thread !== null && hasEnded(state) ? await findNewerRun(database, report) : undefined;
  return {
    state,
    waits: state.status === 'running' ? ((await findRunAhead(database, report.run)) ?? null) : null,
    overtakenBy:
      newer === undefined
        ? null
        : { run: newer, url: await runPage(repository, { ...report, run: newer }, services) },
    withoutPull: {
      units: [...state.units.values()]
        .filter((unit) => staysWithoutPull(unit, reportContext))
        .map(({ plan }) => plan.id),
      most: reportContext.mayOpen,
    },
  };
}

/** Has the comment of the run before this one on its thread say that it is overtaken. */
export async function overtakeEarlierRun(
  database: Database,
  { repository, run, thread }: Report,
): Promise<void> {
  if (thread === null) return;
  const runs = await findRuns(database, { repository, thread });
  const before = runs.find((other) => other.run !== run && ENDED.has(other.status));
  if (before !== undefined) await requestRefresh(database, { run: before.run });
}

/** The pull request of each unit. */
export function linksOf({ pulls, records }: Pick<ReportContext, 'pulls' | 'records'>): UnitLinks {
  return new Map(
    [...pulls].map(([id, { number, state }]) => {
      const revert = state === 'merged' ? records.get(id)?.revert : undefined;
      return [id, { pull: { number, state, ...(revert === undefined ? {} : { revert }) } }];
    }),
  );
}
