import type { Config } from '../../config/schema.ts';
import type { Unit } from '../../discovery/unit.ts';
import type { RunEvent } from '../../events/event.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitRecord } from '../../events/store.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { unitBranch } from '../../git/branches.ts';
import type { Check } from '../../github/api/checks.ts';
import { marker } from '../../github/api/marker.ts';
import type { PullRequestContent } from '../../github/api/pr-client.ts';
import { hashOf } from '../../github/api/upsert.ts';
import { renderUnitCheck } from '../../github/render/unit-check.ts';
import { renderUnitPull } from '../../github/render/unit-pull.ts';
import type { Database } from '../../store/database/database.ts';
import { changeUnitPull, saveUnitPull, type UnitPull } from '../../store/github/unit-pulls.ts';
import { readUnitEvents } from '../../store/runs/run-reader.ts';
import { unitExternalId } from '../repository/checks.ts';
import type { OpenRepository } from '../repository/open-repository.ts';
import { RejectedWrite, type RejectedWrites } from './rejected-writes.ts';
import { reopenPull } from './reopen-pull.ts';
import { findStackPosition } from './stack.ts';

/** What publishing a run's units needs to know of the run. */
export interface ReportContext {
  readonly repository: OpenRepository;
  readonly state: RunState;
  readonly config: Config;
  /** Reads a unit's approved specs; undefined when they can no longer be read. */
  readonly specsOf: (unit: string) => Promise<Unit | undefined>;
  /** The newest pull request of each unit; new ones are added here. */
  readonly pulls: Map<string, UnitPull>;
  /** The numbers of the pull requests that this run opened; new ones are added here. `mayOpen` is their maximum. */
  readonly opened: Set<number>;
  readonly mayOpen: number;
  /** The record of each unit, from all runs. */
  readonly records: ReadonlyMap<string, UnitRecord>;
  /** The branch that pull requests go to. */
  readonly base: string;
  /** The address of the run's status comment or check. */
  readonly page: string;
  readonly database: Database;
  readonly redact: (text: string) => string;
  readonly refusals: RejectedWrites;
}

/**
 * Publishes one unit: its checks and, once there is work to review, its pull request. A new pull request is opened before the
 * checks, which link to it; an existing one is updated after them.
 */
export async function publishUnit(unit: UnitProgress, reportContext: ReportContext): Promise<void> {
  const hasEnded = unit.state === 'complete' || unit.state === 'failed' || unit.state === 'cancelled';
  const isBack = unit.state === 'pending' && unit.releaseReason !== null && unit.startedAt !== null;
  // Units that have not started, are blocked or were skipped have nothing to show.
  if (
    unit.state !== 'running' &&
    !isBack &&
    !(hasEnded && (unit.startedAt !== null || unit.state !== 'cancelled'))
  )
    return;
  const events = hasEnded
    ? await readUnitEvents(reportContext.database, { run: reportContext.state.start.run, unit: unit.plan.id })
    : [];
  const isWanted = needsPull(unit, reportContext) && !staysWithoutPull(unit, reportContext);
  const isThere = reportContext.pulls.get(unit.plan.id)?.state === 'open';
  const publishOwnPull = async (): Promise<void> =>
    reportContext.refusals.step(`the pull request of unit ${unit.plan.id}`, async () =>
      publishPull(unit, events, reportContext),
    );
  if (isWanted && !isThere) await publishOwnPull();
  await publishChecks(unit, events, reportContext);
  if (isWanted && isThere) await publishOwnPull();
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
  if (state === 'complete') return before !== 'merged';
  if (state !== 'failed' || before === 'merged' || before === 'closed') return false;
  return before === 'open' ? failure !== 'needs-human' : reportContext.config.draft_on_failure;
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

async function publishPull(
  unit: UnitProgress,
  events: readonly RunEvent[],
  reportContext: ReportContext,
): Promise<void> {
  const { repository, state, pulls, database } = reportContext;
  const { id } = unit.plan;
  const { run, target } = state.start;
  const { base, needs } = findStackPosition(unit, state, pulls, reportContext.base);
  const draft = needs.length > 0 || unit.state === 'failed';
  const specs = await reportContext.specsOf(id);
  if (specs === undefined) return;
  const mark = marker('unit', `${target} ${id}`);
  const rendered = renderUnitPull({
    unit: specs,
    progress: unit,
    events,
    run: { id: run, url: reportContext.page },
    sandbox: state.start.sandbox,
    dependsOn: unit.plan.dependsOn.map((dependency) => {
      const pull = pulls.get(dependency);
      return { unit: dependency, pull: pull && { number: pull.number, merged: pull.state === 'merged' } };
    }),
    needs,
    marker: mark,
  });
  const [title, body] = [reportContext.redact(rendered.title), reportContext.redact(rendered.body)];
  const hash = hashOf([title, body]);
  const save = async (pull: UnitPull): Promise<void> => {
    pulls.set(id, pull);
    await saveUnitPull(database, repository.known.id, state.target, pull);
  };
  let before = pulls.get(id);
  if (before?.state === 'lost') {
    const revival = await reopenPull(repository, before.number, base);
    if (revival.kind === 'gone') return; // the unit's next run creates the branch again
    if (revival.kind === 'open') {
      before = { ...before, state: 'open', base: revival.base, draft: revival.draft };
      await save(before);
    }
  }
  if (before?.state === 'open') return changePull(before, { base, draft, title, body, hash }, reportContext);
  const head = unit.branch ?? unitBranch(state.start, id);
  const opened = await repository.pr.openPull({ head, base, title, body, draft }, true);
  if (opened.kind === 'empty') return; // the base contains all of it already
  if (opened.kind === 'refused') throw new RejectedWrite(opened.reason);
  const { number, nodeId } = opened.pull;
  const written = opened.created ? hash : '';
  reportContext.opened.add(number);
  const pull = {
    unit: id,
    number,
    nodeId,
    state: 'open',
    base: opened.pull.base,
    draft,
    hash: written,
  } as const;
  await save({ ...pull, run });
  if (!opened.created) await publishPull(unit, events, reportContext);
}

/** Changes each part on its own: in a native stack only GitHub changes the base, and it rejects such a request. */
async function changePull(
  before: UnitPull,
  wanted: Pick<PullRequestContent, 'base' | 'draft' | 'title' | 'body'> & Pick<UnitPull, 'hash'>,
  reportContext: ReportContext,
): Promise<void> {
  const { pr, known } = reportContext.repository;
  const { number, nodeId, unit } = before;
  const { base, draft, title, body, hash } = wanted;
  let now = before;
  const step = async (
    part: string,
    change: Partial<Pick<UnitPull, 'base' | 'draft' | 'hash'>>,
    write: () => Promise<unknown>,
  ): Promise<void> =>
    reportContext.refusals.step(`the ${part} of pull request ${number}, of unit ${unit},`, async () => {
      await write();
      now = { ...now, ...change };
      reportContext.pulls.set(unit, now);
      // Without the state: the pull request may have been closed at this moment.
      await changeUnitPull(reportContext.database, known.id, number, change);
    });
  if (before.hash !== hash) await step('text', { hash }, async () => pr.changePull(number, { title, body }));
  if (before.base !== base) await step('base', { base }, async () => pr.changeBase(number, base));
  // A person may have changed it since, so it is written only when choo's own value changed.
  if (before.draft !== draft) await step('draft state', { draft }, async () => pr.setDraft(nodeId, draft));
}

async function publishChecks(
  unit: UnitProgress,
  events: readonly RunEvent[],
  reportContext: ReportContext,
): Promise<void> {
  const { repository, state, pulls, redact, refusals } = reportContext;
  const { id } = unit.plan;
  const { target, commit } = state.start;
  const pull = pulls.get(id);
  const { title, summary, text, conclusion, actions } = renderUnitCheck({
    progress: unit,
    events,
    pullUrl: pull === undefined ? null : `${repository.url}/pull/${pull.number}`,
  });
  const check: Omit<Check, 'sha'> = {
    name: `choo / ${id}`,
    externalId: unitExternalId(target, id),
    conclusion,
    title: redact(title),
    summary: redact(summary),
    ...(text === undefined ? {} : { text: redact(text) }),
    actions,
  };
  const isOwn = unit.head !== null && unit.head !== commit && ownsBranch(unit, reportContext);
  for (const sha of conclusion !== null && isOwn ? [commit, unit.head] : [commit])
    await refusals.step(`the check of unit ${id} on ${sha.slice(0, 12)}`, async () =>
      repository.checks.upsert(unitCheckKey(sha, target, id), { ...check, sha }),
    );
}

/** The key of the post of a unit's check on a commit. */
function unitCheckKey(commit: string, target: string, unit: string): string {
  return `check:${commit}:${unitExternalId(target, unit)}`;
}
