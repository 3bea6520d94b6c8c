import type { Report } from '../../store/github/reports.ts';
import { readServerRun, unitsToRetry } from '../../store/runs/run-reader.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import type { Planner } from './planner.ts';

/** Units named in one message. */
const MAX_NAMED = 5;

/** Why a retry would do outdated work. */
export interface ChangedSpecs {
  /** The branch of the run, and its head. */
  readonly live: { readonly commit: string; readonly target: string };
  /** The units to retry that are still in the specs. */
  readonly units: readonly string[];
  /** What has changed since which plan; one clause without a full stop. */
  readonly message: string;
}

/**
 * Finds whether the specs of units of a run, or of all that a retry would retry, have changed on its branch since it was
 * planned. Undefined when they are unchanged, or the branch is gone. Fetches.
 */
export async function findChangedSpecs(
  repository: OpenRepository,
  { report: { run }, units }: { readonly report: Pick<Report, 'run'>; readonly units: readonly string[] },
  planner: Planner,
  { database, runStore }: Pick<HandlerServices, 'database' | 'runStore'>,
): Promise<ChangedSpecs | undefined> {
  const [start, { target }] = [await runStore.startOf(run), await readServerRun(database, run)];
  using remote = await repository.openRemote();
  await remote.branches.fetch();
  const live = await remote.branches.fetchedHead(target);
  if (live === undefined) return undefined;
  const wanted = new Set(units.length === 0 ? await unitsToRetry(database, run) : units);
  const planned = new Map(start.units.filter(({ id }) => wanted.has(id)).map(({ id, key }) => [id, key]));
  const { outdated } = await planner.read(repository, { commit: live, target, planned });
  if (outdated.length === 0) return undefined;
  const more = outdated.length > MAX_NAMED ? ` and ${outdated.length - MAX_NAMED} more` : '';
  const named = outdated
    .slice(0, MAX_NAMED)
    .map(({ id }) => `\`${id}\``)
    .join(', ');
  const gone = new Set(outdated.filter(({ isGone }) => isGone).map(({ id }) => id));
  return {
    live: { commit: live, target },
    units: [...planned.keys()].filter((id) => !gone.has(id)),
    message: `the specs of ${named}${more}, or what the configuration adds to them, have changed since run \`${run}\` planned them at ${start.commit.slice(0, 12)}; \`${target}\` is at ${live.slice(0, 12)} now`,
  };
}
