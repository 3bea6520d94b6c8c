import { LRUCache } from 'lru-cache';
import type { RunEvent } from '../../events/event.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { marker } from '../../github/api/marker.ts';
import type { PullRequestContent } from '../../github/api/pr-client.ts';
import { hashOf } from '../../github/api/upsert.ts';
import { type OtherCommit, renderUnitPull, type UnitPullInput } from '../../github/render/unit-pull.ts';
import { requestRefresh } from '../../store/github/reports.ts';
import { changeUnitPull, saveUnitPull, type UnitPull } from '../../store/github/unit-pulls.ts';
import { type FoundUpdate, listUpdateCommits } from '../../store/runs/updates.ts';
import { applyPullSettings } from './pull-settings.ts';
import { RejectedWrite } from './rejected-writes.ts';
import { type ClosedPull, reopenPull, takeOver } from './reopen-pull.ts';
import type { ReportContext } from './report-context.ts';
import type { StackPosition } from './stack.ts';

/**
 * Repositories that have no drafts, such as private ones on a free plan. A new process, and each one after an hour, learns it
 * again from GitHub's refusal, which comes before the checks that depend on it.
 */
const withoutDrafts = new LRUCache<string, true>({ max: 10_000, ttl: 3_600_000 });

/** Whether GitHub refused to open a draft in a repository, by choo's own number. */
export function lacksDrafts(repository: string): boolean {
  return withoutDrafts.has(repository);
}

/** Makes an open pull request a draft that should be one, before anything else is said of it. */
export async function makeDraft(
  { draft }: Pick<StackPosition, 'draft'>,
  unit: string,
  { pulls, repository, database, refusals }: ReportContext,
): Promise<void> {
  const pull = pulls.get(unit);
  if (pull === undefined || pull.draft || !draft || lacksDrafts(repository.known.id)) return;
  await refusals.step(`the draft state of pull request ${pull.number}, of unit ${unit},`, async () => {
    const outcome = await repository.pr.setDraft(pull.nodeId, true);
    if (outcome === 'unsupported') withoutDrafts.set(repository.known.id, true);
    if (outcome !== 'changed') return;
    pulls.set(unit, { ...pull, draft });
    await changeUnitPull(database, repository.known.id, pull.number, { draft });
  });
}

/** Opens a unit's pull request, or makes the open one what it should be. */
export async function publishPull(
  unit: UnitProgress,
  events: readonly RunEvent[],
  position: StackPosition,
  reportContext: ReportContext,
): Promise<void> {
  const { repository, state, pulls, database, refusals } = reportContext;
  const { id } = unit.plan;
  const { base, draft, branch: head } = position;
  const { title, body, hash } = await renderPull(unit, events, position, reportContext);
  const save = async (pull: UnitPull): Promise<void> => {
    pulls.set(id, pull);
    await saveUnitPull(database, repository.known.id, state.target, pull);
  };
  let before = pulls.get(id);
  let old: ClosedPull | undefined;
  if (before?.state === 'lost') {
    const revival = await reopenPull(repository, before.number, base);
    if (revival.kind === 'gone') return; // the unit's next run creates the branch again
    if (revival.kind === 'refused') old = revival.old;
    if (revival.kind === 'open') {
      before = { ...before, state: 'open', base: revival.base, draft: revival.draft };
      await save(before);
    }
  }
  if (before?.state === 'open') {
    await changePull(before, { base, draft, title, body, hash }, position, reportContext);
    return;
  }
  const opened = await repository.pr.openPull({ head, base, title, body, draft }, true);
  if (opened.kind === 'empty') return; // the base contains all of it already
  if (opened.kind === 'refused') throw new RejectedWrite(opened.reason);
  const { number, nodeId, headSha } = opened.pull;
  if (opened.created && draft && !opened.pull.draft) withoutDrafts.set(repository.known.id, true);
  reportContext.opened.add(number);
  if (before !== undefined && old !== undefined) {
    await refusals.step(`the labels and reviewers of pull request ${number}`, async () =>
      takeOver(repository, number, old),
    );
    await changeUnitPull(database, repository.known.id, before.number, { state: 'closed' });
  }
  const pull: UnitPull = {
    unit: id,
    number,
    nodeId,
    state: 'open',
    base: opened.pull.base,
    draft: opened.pull.draft,
    hash: opened.created ? hash : '',
    run: state.start.run,
    head: headSha,
    mergeCommit: null,
    held: false,
    updateAsked: false,
    replaces: replacedBy(before),
    stacked: false,
    resolveAsked: false,
  };
  await save(pull);
  // What builds on the unit may be of another run.
  if (before !== undefined)
    await requestRefresh(database, { repository: repository.known.id, target: state.target });
  await changePull(pull, { base, draft, title, body, hash }, position, reportContext);
}

/** The number of a pull request when a new one takes its place. */
function replacedBy(before: UnitPull | undefined): number | null {
  return before === undefined || before.state === 'merged' ? null : before.number;
}

async function renderPull(
  unit: UnitProgress,
  events: readonly RunEvent[],
  position: StackPosition,
  reportContext: ReportContext,
): Promise<Pick<PullRequestContent, 'title' | 'body'> & Pick<UnitPull, 'hash'>> {
  const { repository, state, pulls, specsOf, page, redact, stack, updates } = reportContext;
  const { id, dependsOn } = unit.plan;
  const specs = await specsOf(id);
  if (specs === undefined)
    throw new RejectedWrite('its specs could not be read within the time they may take');
  const found = await stack();
  const known = pulls.get(id);
  const newest = updates.get(id);
  const { title, body } = renderUnitPull({
    unit: specs,
    progress: unit,
    events,
    run: { id: state.start.run, url: page },
    specsUrl: `${repository.url}/blob/${state.start.commit}/${encodeURI(state.start.directory)}`,
    sandbox: state.start.sandbox,
    dependsOn: dependsOn.map((dependency) => {
      const pull = pulls.get(dependency);
      return {
        unit: dependency,
        pull: pull && {
          number: pull.number,
          merged: found?.merged.has(dependency) === true,
          revert: found?.reverted.get(dependency) ?? null,
        },
      };
    }),
    dependents: (reportContext.dependents.get(id) ?? []).flatMap((dependent) => {
      const pull = pulls.get(dependent);
      return pull?.state === 'open' ? [{ unit: dependent, number: pull.number }] : [];
    }),
    needs: position.needs,
    base: position.base,
    head: position.head ?? null,
    verdict: position.verdict,
    isBehind: position.next.kind === 'bring-up',
    offersUpdate: position.offersUpdate,
    stuck: position.stuck,
    update: newest !== undefined && newest.update.onto === null ? null : updateOf(newest),
    way: position.way,
    hasMerges: position.hasMerges,
    isStacked: pulls.get(id)?.stacked === true,
    truths: {
      noBase: position.noBase,
      rejected: position.rejected,
      lost: position.lost ?? null,
      also: position.also,
    },
    others: await otherCommits(unit, events, position, reportContext),
    replaces: known?.state === 'open' ? known.replaces : replacedBy(known),
    marker: marker('unit', `${state.start.target} ${id}`),
  });
  const shown = [redact(title), redact(body)] as const;
  return { title: shown[0], body: shown[1], hash: hashOf(shown) };
}

function updateOf(found: FoundUpdate | undefined): UnitPullInput['update'] {
  // A round of review moves no branch to another place.
  return found?.result == null || found.update.work?.kind === 'review'
    ? null
    : { from: found.update.head, ...found.result };
}

/** The commits of a unit branch that neither choo made nor its bases brought along. */
async function otherCommits(
  unit: UnitProgress,
  events: readonly RunEvent[],
  { head, since }: StackPosition,
  { repository, state, stack, database }: ReportContext,
): Promise<readonly OtherCommit[]> {
  if (head === undefined || head === unit.head) return [];
  const place = { repository: repository.known.id, target: state.target, unit: unit.plan.id };
  const own = new Set(await listUpdateCommits(database, place));
  const bases = [since];
  for (const event of events) {
    if (event.type === 'task.committed' || event.type === 'baseline.committed') own.add(event.commit);
    if (event.type === 'unit.started') bases.push(event.base);
  }
  return (await (await stack())?.listCommits(head, bases))?.filter(({ id }) => !own.has(id)) ?? [];
}

/**
 * Makes a pull request what it should be, in an order in which it is true at every moment: a draft before its base changes, its
 * base before its branch is pushed, and ready last. Each part is written on its own: in a native stack only GitHub changes the
 * base, and it rejects such a request.
 */
async function changePull(
  before: UnitPull,
  wanted: Pick<PullRequestContent, 'base' | 'draft' | 'title' | 'body'> & Pick<UnitPull, 'hash'>,
  position: StackPosition,
  reportContext: ReportContext,
): Promise<void> {
  const { repository, refusals, takeStep } = reportContext;
  const { number, nodeId, unit } = before;
  const { base, draft, title, body, hash } = wanted;
  let now = before;
  const save = async (change: Partial<Pick<UnitPull, 'base' | 'draft' | 'hash'>>): Promise<void> => {
    now = { ...now, ...change };
    reportContext.pulls.set(unit, now);
    // Without the state: the pull request may have been closed at this moment.
    await changeUnitPull(reportContext.database, repository.known.id, number, change);
  };
  const step = async (
    part: string,
    change: Partial<Pick<UnitPull, 'base' | 'hash'>>,
    write: () => Promise<unknown>,
  ): Promise<void> =>
    refusals.step(`the ${part} of pull request ${number}, of unit ${unit},`, async () => {
      await write();
      await save(change);
    });
  const forgetRequest = async (): Promise<void> => {
    if (before.updateAsked || before.resolveAsked)
      await changeUnitPull(reportContext.database, repository.known.id, number, {
        updateAsked: false,
        resolveAsked: false,
      });
  };
  const setDraft = async (): Promise<void> =>
    refusals.step(`the draft state of pull request ${number}, of unit ${unit},`, async () => {
      if ((await repository.pr.setDraft(nodeId, draft)) === 'changed') await save({ draft });
    });
  await makeDraft(position, unit, reportContext);
  now = reportContext.pulls.get(unit) ?? before;
  if (before.base !== base) await step('base', { base }, async () => repository.pr.changeBase(number, base));
  if (before.hash !== hash)
    await step('text', { hash }, async () => repository.pr.changePull(number, { title, body }));
  if (position.next.kind !== 'none') {
    if (now.base !== base) return; // its branch is pushed only after its base has changed
    await refusals.step(`the branch of unit ${unit}`, async () => {
      if (await takeStep(unit, position)) await forgetRequest();
    });
  } else await forgetRequest();
  if (!draft && before.draft) await setDraft();
  await applyPullSettings(now, reportContext);
}
