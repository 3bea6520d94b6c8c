import type { RunEvent } from '../../events/event.ts';
import { movesBranch } from '../../events/unit-update.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import type { Annotation, Check, CheckClient } from '../../github/api/checks.ts';
import { renderUnitCheck } from '../../github/render/unit-check.ts';
import type { Verdict } from '../../github/render/verdict.ts';
import { readUnitEvents } from '../../store/runs/run-reader.ts';
import { unitExternalId } from '../repository/checks.ts';
import { lacksDrafts, makeDraft, publishPull } from './publish-pull.ts';
import { RejectedWrite } from './rejected-writes.ts';
import type { ReportContext } from './report-context.ts';
import type { StackPosition } from './stack.ts';

/**
 * Publishes one unit: its checks and, once there is work to review, its pull request. A new pull request is opened before the
 * checks, which link to it; an existing one is updated after them.
 */
export async function publishUnit(known: UnitProgress, reportContext: ReportContext): Promise<void> {
  const update = reportContext.updates.get(known.plan.id);
  // What an update found of a newer head counts.
  const unit = update?.judge == null ? known : { ...known, judge: update.judge };
  const hasEnded = unit.state === 'complete' || unit.state === 'failed' || unit.state === 'cancelled';
  const isBack = unit.state === 'pending' && unit.releaseReason !== null && unit.startedAt !== null;
  // Units that have not started, are blocked or were skipped have nothing to show.
  if (
    unit.state !== 'running' &&
    !isBack &&
    !(hasEnded && (unit.startedAt !== null || unit.state !== 'cancelled'))
  )
    return;
  const isWanted = needsPull(unit, reportContext) && !staysWithoutPull(unit, reportContext);
  const isThere = reportContext.pulls.get(unit.plan.id)?.state === 'open';
  // Its text says that its branch is being moved; the end of the update brings this back here.
  const isMoving = update?.status === 'running' && movesBranch(update.update) && update.update.work === null;
  if (isThere && isMoving) return;
  const events = hasEnded
    ? await readUnitEvents(reportContext.database, { run: reportContext.state.start.run, unit: unit.plan.id })
    : [];
  let position: StackPosition | undefined;
  const mayWritePull = !reportContext.withheld.has('pull_requests');
  const publishOwnPull = async (): Promise<void> =>
    reportContext.refusals.step(`the pull request of unit ${unit.plan.id}`, async () => {
      if (position !== undefined) await publishPull(unit, events, position, reportContext);
    });
  if (isWanted)
    await reportContext.refusals.step(`the pull request of unit ${unit.plan.id}`, async () => {
      position = await findPosition(unit, reportContext);
    });
  if (isWanted && !isThere && mayWritePull) await publishOwnPull();
  if (position !== undefined && isThere && mayWritePull)
    await makeDraft(position, unit.plan.id, reportContext);
  await publishChecks(unit, events, position, reportContext);
  if (isWanted && isThere && mayWritePull) await publishOwnPull();
}

async function findPosition(
  unit: UnitProgress,
  { records, stack }: ReportContext,
): Promise<StackPosition | undefined> {
  const record = records.get(unit.plan.id);
  if (record === undefined) return undefined;
  const found = await stack();
  if (found === undefined) throw new RejectedWrite('the branch that results go to is gone');
  return found.place(unit, record);
}

/**
 * Only the run that worked on a unit last publishes its branch. A person's decision about a pull request, or commits on its
 * branch, are respected: only work completed after that opens a new one.
 */
function needsPull(unit: UnitProgress, reportContext: ReportContext): boolean {
  const { state, head, failure } = unit;
  const before = reportContext.pulls.get(unit.plan.id)?.state;
  if (
    head === null ||
    !ownsBranch(unit, reportContext) ||
    reportContext.records.get(unit.plan.id)?.outcome !== undefined
  )
    return false;
  // What was merged and taken back is proposed again when it was made again.
  if (state === 'complete')
    return before !== 'merged' || reportContext.pulls.get(unit.plan.id)?.head !== head;
  if (state !== 'failed' || before === 'merged' || before === 'closed') return false;
  return before === 'open' || (failure !== 'needs-human' && reportContext.config.draft_on_failure);
}

/** Whether a unit has a result to propose, and its run has opened as many pull requests as it may. */
export function staysWithoutPull(unit: UnitProgress, reportContext: ReportContext): boolean {
  const before = reportContext.pulls.get(unit.plan.id)?.state;
  const isThere = before === 'open' || before === 'lost';
  return needsPull(unit, reportContext) && !isThere && reportContext.opened.size >= reportContext.mayOpen;
}

function ownsBranch({ plan }: UnitProgress, { records, state }: ReportContext): boolean {
  return records.get(plan.id)?.run === state.start.run;
}

async function publishChecks(
  unit: UnitProgress,
  events: readonly RunEvent[],
  position: StackPosition | undefined,
  reportContext: ReportContext,
): Promise<void> {
  const { repository, state, pulls, redact, refusals, withheld } = reportContext;
  if (withheld.has('checks')) return;
  const { id } = unit.plan;
  const { target, commit } = state.start;
  const pull = pulls.get(id);
  const publish = async (sha: string, verdict: Verdict): Promise<void> => {
    const {
      title,
      summary,
      text,
      conclusion,
      annotations = [],
      actions,
    } = renderUnitCheck({
      directory: state.start.directory,
      progress: unit,
      events,
      pullUrl: pull === undefined ? null : `${repository.url}/pull/${pull.number}`,
      verdict,
      // Where there are no drafts, the check keeps a pull request from being merged too early.
      waitsFor: sha !== commit && lacksDrafts(repository.known.id) ? (position?.needs ?? []) : [],
    });
    const check: Check = {
      name: `choo / ${id}`,
      externalId: unitExternalId(target, id),
      sha,
      conclusion,
      title: redact(title),
      summary: redact(summary),
      ...(text === undefined ? {} : { text: redact(text) }),
      actions,
    };
    await refusals.step(`the check of unit ${id} on ${sha.slice(0, 12)}`, async () =>
      publishCheck(
        repository.checks,
        unitCheckKey(sha, target, id),
        check,
        annotations.map((each) => ({ ...each, message: redact(each.message) })),
      ),
    );
  };
  // The commit of the specs shows how the run went; the head of the branch, what is true of it now.
  const isThere = async () => (await repository.checks.idOf(unitCheckKey(commit, target, id))) !== undefined;
  if (!reportContext.isSettled || !(await isThere())) await publish(commit, { kind: 'recorded' });
  const head = position?.head ?? unit.head;
  const hasEnded = unit.state !== 'running' && unit.state !== 'pending';
  const isDerived = position !== undefined || pull === undefined;
  if (isDerived && hasEnded && head !== null && head !== commit && ownsBranch(unit, reportContext))
    await publish(head, position?.verdict ?? { kind: 'recorded' });
}

/** A check is there before its unit ends: what failed is added to it. */
async function publishCheck(
  checks: CheckClient,
  key: string,
  check: Check,
  annotations: readonly Annotation[],
): Promise<void> {
  await checks.upsert(key, check);
  if (annotations.length > 0) await checks.annotate(key, check, annotations);
}

/** The key of the post of a unit's check on a commit. */
function unitCheckKey(commit: string, target: string, unit: string): string {
  return `check:${commit}:${unitExternalId(target, unit)}`;
}
