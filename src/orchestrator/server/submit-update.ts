import { ChooError } from '../../errors.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import type { UnitUpdate } from '../../events/unit-update.ts';
import type { Database } from '../../store/database/database.ts';
import { readServerRun, type ServerRun } from '../../store/runs/run-reader.ts';
import type { RunStore } from '../../store/runs/run-store.ts';
import type { TargetUnit } from '../../store/runs/updates.ts';
import { newRunId } from '../run-start.ts';

/** A request to bring a unit's branch to a new place, to verify its head, or to let an agent work on it; see {@link UnitUpdate}. */
export interface UpdateRequest extends TargetUnit, UnitUpdate {
  /** The run in the unit's record: its specs, configuration and key judge the update. */
  readonly run: string;
  /** The id of the update run, so that a request which is repeated submits it once; by default a new one. */
  readonly as?: string;
  /** The most that the update may cost, in US dollars, where that is less than what the run's limits leave. */
  readonly cost?: number | undefined;
}

/** `busy`: a run or another update works on the unit. `gone`: the run, or its unit, does not exist any more. */
export type SubmittedUpdate =
  | { readonly kind: 'run'; readonly run: string }
  | { readonly kind: 'busy' }
  | { readonly kind: 'gone' };

/**
 * Submits an update run of one unit, for the actor of the run that did the work. Plans nothing, and sends no request to the
 * remote.
 */
export async function submitUpdate(
  { repository, target, unit, run, head, onto, work, as = newRunId(), cost, lost, also }: UpdateRequest,
  { database, runStore }: { readonly database: Database; readonly runStore: RunStore },
): Promise<SubmittedUpdate> {
  const original = await findOriginal({ database, runStore }, run);
  const planned = original?.start.units.find(({ id }) => id === unit);
  if (original === undefined || planned === undefined || original.repository !== repository)
    return { kind: 'gone' };
  const { limits } = original.start;
  const start: OrchStarted = {
    ...original.start,
    run: as,
    target,
    parallelism: 1,
    verify: true,
    limits: cost === undefined ? limits : { ...limits, runCost: Math.min(limits.runCost ?? cost, cost) },
    units: [{ ...planned, dependsOn: [] }],
    fresh: [],
    update: { head, onto, work, ...(lost && { lost }), ...(also && { also }) },
  };
  const isSubmitted = await runStore.submitUpdate({ repository, start, plan: original.plan });
  return isSubmitted ? { kind: 'run', run: start.run } : { kind: 'busy' };
}

async function findOriginal(
  { database, runStore }: { readonly database: Database; readonly runStore: RunStore },
  run: string,
): Promise<(ServerRun & { readonly start: OrchStarted }) | undefined> {
  try {
    const row = await readServerRun(database, run);
    return { ...row, start: await runStore.startOf(run) };
  } catch (error) {
    if (error instanceof ChooError && error.code === 'usage') return undefined;
    throw error;
  }
}
