import { ChooError, coerceError } from '../errors.ts';
import type { EventBody } from '../events/event.ts';
import { movesBranch, type UnitUpdate, wasMoved } from '../events/unit-update.ts';
import { findFile, replaceFiles, type TreeFile, treeOf } from '../git/objects/tree-object.ts';
import type { Repository } from '../git/repository.ts';
import { findUnequalFiles } from '../git/same-change.ts';
import { compareJudge, openComparison } from '../worker/judge/compare-judge.ts';
import { findGateFiles } from '../worker/judge/protection.ts';
import { fail, type GateServices, type UnitEnd, type UnitJob, UnitStop } from '../worker/unit-job.ts';
import { UnitLog } from '../worker/unit-log.ts';
import { verifyUnit } from '../worker/verify.ts';
import { listPaths } from '../text/list-paths.ts';
import { mapTexts } from './event-batches.ts';
import { endEvent } from './run-claim.ts';
import { firstFiles, moveBranch, type MovedBranch } from './update-start.ts';
import type { ClaimedUpdate, UpdateServices } from './update-claim.ts';
import { makeWork, pushWork } from './update-work.ts';

/**
 * Works on a claimed update: moves the branch to its new place, compares the unit's own change before and after, and verifies
 * the head as that of new work: with the counter-trial, where the judge was changed. Where there is work for an agent, it makes one attempt first, and its commit is pushed only when its gates have
 * passed. Returns the event that ends the claim, without appending it; never rejects for failures of the work itself.
 */
export async function runUpdate(claim: ClaimedUpdate, services: UpdateServices): Promise<EventBody> {
  const { start, update, unit, branch, branchHead, record } = claim;
  const { repository, append, recorded, redact } = services;
  using log = new UnitLog(services.openLog(unit.id), redact);
  const base = update.onto?.commit ?? record?.base ?? start.commit;
  let head = branchHead;
  try {
    const place = { pushed: branchHead ?? null, head: branchHead ?? update.head };
    const before = { base: record?.base ?? start.commit, builtOn: record?.builtOn ?? {} };
    const tasks = [...(record?.tasks ?? [])];
    append({ type: 'unit.started', unit: unit.id, claim: claim.claim, branch, ...place, ...before, tasks });
    await recorded();
    log.say(`update of ${unit.id}, run ${start.run}, claim ${claim.claim}, at ${update.head.slice(0, 12)}`);
    const verify = async (commit: string): Promise<void> => {
      const job = jobOf(claim, { base, head: commit });
      const tree = await takeGateFiles(job, services, commit);
      // An attempt is not made twice because others wait for its slot.
      const more = update.work === null ? {} : { shouldReleaseSlot: undefined };
      const gates = { ...services, ...more, log, onActivity: () => {} };
      const comparison = await openComparison(job, services, commit, claim.also);
      const openings = await verifyUnit(job, gates, { head: commit, tree, watched: comparison.watched });
      for (const other of claim.also) {
        const own = jobOf({ ...claim, unit: other }, { base, head: commit });
        await verifyMerged(own, gates, { head: commit, tree: await takeGateFiles(own, services, commit) });
      }
      await compareJudge(job, gates, { head: commit, verified: true, comparison, openings });
    };
    const agentServices = { ...services, ...services.agents, log };
    const work =
      update.work === null
        ? undefined
        : await makeWork(claim, jobOf(claim, { base, head: update.head }), agentServices);
    let moved: MovedBranch;
    if (work !== undefined) {
      await verify(work);
      await pushWork(claim, work, services);
      moved = { head: work, joined: 0, way: undefined };
    } else {
      const specs = start.directory + unit.directory;
      moved = await moveBranch({ ...claim, unit: unit.id, specs, target: start.target }, services);
    }
    head = moved.head;
    if (movesBranch(update)) {
      append(await describeMove(unit.id, update, moved, repository));
      await recorded();
    }
    if (work === undefined) await verify(head);
    // What somebody else made is the unit's only once it is verified.
    if (wasMoved(moved.way)) append(await describeMove(unit.id, update, moved, repository));
    await recorded();
    return endEvent(unit.id, { kind: 'complete', head, verified: true });
  } catch (error) {
    const end = endOf(error, services.signal);
    log.say(`${end.kind}: ${end.kind === 'failed' ? end.message : end.reason}`);
    await recorded();
    if (update.work !== null && end.kind === 'released' && end.until !== null && end.ofBudget !== true)
      await services.agents.hold(end.until);
    return mapTexts(endEvent(unit.id, end, head), redact);
  }
}

/** Runs the gates of a unit that was merged into the branch of another one. They are no tasks of that one: nothing is recorded. */
async function verifyMerged(
  job: UnitJob,
  services: GateServices,
  at: Parameters<typeof verifyUnit>[2],
): Promise<void> {
  try {
    await verifyUnit(job, { ...services, append: () => {} }, { ...at, checks: false });
  } catch (error) {
    if (!(error instanceof UnitStop) || error.end.kind !== 'failed') throw error;
    const { failure, message, hint } = error.end;
    throw fail(failure, `of \`${job.unit.id}\`, which was merged into this branch: ${message}`, hint);
  }
}

function endOf(error: unknown, signal: AbortSignal): UnitStop['end'] {
  if (signal.aborted) return { kind: 'released', reason: 'interrupted', until: null };
  if (error instanceof UnitStop) return error.end;
  const { message, hint } = coerceError(error);
  return { kind: 'failed', failure: 'internal', message, hint } satisfies UnitEnd;
}

/** What the move did: where from and to, and whether the unit's own change is the same as before. */
async function describeMove(
  unit: string,
  { head, onto }: UnitUpdate,
  { head: to, joined, way }: MovedBranch,
  repository: Repository,
): Promise<EventBody> {
  if (onto === null) throw new ChooError('internal', 'an update without a new place moves nothing');
  const { since, commit, replaces: from = head } = onto;
  // Another machine may have retained what somebody replaced.
  const isThere = (await repository.reader.info([since, from])).every((info) => info !== undefined);
  const files = isThere
    ? await findUnequalFiles(repository, { from: since, to: from }, { from: commit, to })
    : [];
  const same = isThere && files.length === 0;
  const change = { from, to, onto: commit, since, same, files: [...firstFiles(files)] };
  const how = { ...(way !== undefined && { way }), ...(joined > 0 && { joined }) };
  return { type: 'unit.updated', unit, ...change, ...how };
}

/**
 * The commit whose files are judged: that of the head, but each file that a gate names is as it is at the base. What a push did
 * to it proves nothing, and is noticed.
 */
async function takeGateFiles(
  job: UnitJob,
  { repository, append }: Pick<UpdateServices, 'repository' | 'append'>,
  head: string,
): Promise<string> {
  const { reader } = repository;
  const [before, after] = [await treeOf(reader, job.base), await treeOf(reader, head)];
  const files = new Map<string, TreeFile>();
  for (const path of await findGateFiles(reader, job)) {
    const [approved, now] = [await findFile(reader, before, path), await findFile(reader, after, path)];
    if (approved !== undefined && (approved.id !== now?.id || approved.mode !== now.mode))
      files.set(path, approved);
  }
  if (files.size === 0) return head;
  const names = listPaths([...files.keys()]);
  const message = `the gates ran with ${names} as at ${job.base.slice(0, 12)}, whatever the branch made of it`;
  append({ type: 'unit.notice', unit: job.unit.id, code: 'gate-files', message });
  const tree = await replaceFiles(repository, after, files);
  return repository.commit({ tree, parents: [head], subject: 'To be judged' });
}

function jobOf(
  { start, config, unit, claim, branch, earlier }: ClaimedUpdate,
  { base, head }: { readonly base: string; readonly head: string },
): UnitJob {
  const { run, directory } = start;
  return {
    run,
    claim,
    unit,
    config,
    directory,
    branch,
    base,
    approved: start.commit,
    setUpScope: start.remote === null ? '' : start.commit,
    isAskedAnew: false,
    start: head,
    pushed: head,
    claimedComplete: [],
    attemptsUsed: new Map(),
    repairsUsed: earlier.progress.repairs,
    waited: earlier.progress.waited,
    verifyOnly: true,
  };
}
