import type { Report } from '../../store/github/reports.ts';
import { readServerRun, unitsToRetry } from '../../store/runs/run-reader.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import type { Planner } from './planner.ts';

/** Units named in one message. */
const MAX_NAMED = 5;

/**
 * Explains why a run, or one unit of it, is not retried: the specs on its branch have changed since it was planned, so that a
 * retry would pay for outdated work. Undefined when they are unchanged, or the branch is gone. Fetches.
 */
export async function changedSpecs(
  repository: OpenRepository,
  { report, unit }: { readonly report: Pick<Report, 'run' | 'thread'>; readonly unit?: string | undefined },
  planner: Planner,
  { database, runStore }: Pick<HandlerServices, 'database' | 'runStore'>,
): Promise<string | undefined> {
  const { run, thread } = report;
  const [start, { target }] = [await runStore.startOf(run), await readServerRun(database, run)];
  using remote = await repository.openRemote();
  await remote.branches.fetch();
  const live = await remote.branches.fetchedHead(target);
  if (live === undefined) return undefined;
  const wanted = new Set(unit === undefined ? await unitsToRetry(database, run) : [unit]);
  const planned = new Map(start.units.filter(({ id }) => wanted.has(id)).map(({ id, key }) => [id, key]));
  const { outdated: changed } = await planner.read(repository, { commit: live, target, planned });
  if (changed.length === 0) return undefined;
  const more = changed.length > MAX_NAMED ? ` and ${changed.length - MAX_NAMED} more` : '';
  const named = changed
    .slice(0, MAX_NAMED)
    .map((id) => `\`${id}\``)
    .join(', ');
  const where = thread === null ? '' : ` on #${thread}`;
  const command = unit === undefined ? '/choo run' : `/choo run ${unit}`;
  return `the specs of ${named}${more}, or what the configuration adds to them, have changed since run \`${run}\` planned them at ${start.commit.slice(0, 12)}; \`${target}\` is at ${live.slice(0, 12)} now. \`${command}\`${where} runs what is there`;
}
