import { coerceError } from '../errors.ts';
import { passBaselineChecks } from './baseline.ts';
import { compareJudge, openComparison } from './judge/compare-judge.ts';
import { Invoker } from './invocation.ts';
import { TaskLoop } from './task-loop.ts';
import { type UnitEnd, type UnitJob, UnitStop, type WorkerServices } from './unit-job.ts';
import { verifyUnit } from './verify.ts';
import { UnitWorkspace } from './workspace.ts';

/**
 * Works on one unit until it ends:
 *
 * 1. a worktree at the start commit, prepared by `worktree.setup`;
 * 2. its tasks, each until its gate has passed and its commit is pushed;
 * 3. the baseline checks, with repairs;
 * 4. verify: every gate again, in a new worktree at the head, without ignored files;
 * 5. what the work changed of what judges it is told, with how the gates end without that; a person must agree where no task was
 *    allowed to.
 *
 * Never rejects: errors become the unit's end. Commits are kept in any case.
 */
export async function runUnit(job: UnitJob, services: WorkerServices): Promise<UnitEnd> {
  try {
    const head = job.verifyOnly ? job.start : await doTasks(job, services);
    const verified = job.config.verify || job.verifyOnly;
    const comparison = job.verifyOnly ? undefined : await openComparison(job, services, head);
    const { watched = [] } = comparison ?? {};
    const openings = verified ? await verifyUnit(job, services, { head, watched }) : undefined;
    if (comparison !== undefined) await compareJudge(job, services, { head, verified, comparison, openings });
    return { kind: 'complete', head, verified };
  } catch (error) {
    if (services.signal.aborted) return { kind: 'released', reason: 'interrupted', until: null };
    if (error instanceof UnitStop) return error.end;
    const { message, hint, stack } = coerceError(error);
    services.log.say(stack ?? message);
    return { kind: 'failed', failure: 'internal', message, hint };
  }
}

/** Steps 1 to 3. Returns the head of the unit's branch. */
async function doTasks(job: UnitJob, services: WorkerServices): Promise<string> {
  const workspace = await UnitWorkspace.open(job, services, job.start);
  let keep = services.keepWorktree;
  try {
    const invoker = new Invoker(job, services, workspace);
    await new TaskLoop(job, services, workspace, invoker).run();
    await passBaselineChecks(job, services, workspace, invoker);
    keep = false; // everything in it is on the branch
    return workspace.branch.head;
  } finally {
    await workspace.close(keep);
  }
}
