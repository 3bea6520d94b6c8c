import { LRUCache } from 'lru-cache';
import { ChooError } from '../../errors.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { RateLimitedError } from '../../github/api/client.ts';
import { marker } from '../../github/api/marker.ts';
import { code } from '../../github/render/markdown.ts';
import { renderEndComment, renderRunComment, type UnitLink } from '../../github/render/run-comment.ts';
import { findRepositoryById } from '../../store/github/github-repositories.ts';
import type { DueReport, PublishResult } from '../../store/github/reports.ts';
import { listPullsOfRun, listUnitPulls } from '../../store/github/unit-pulls.ts';
import { listRecords } from '../../store/runs/event-rows.ts';
import { findRunAhead } from '../../store/runs/run-reader.ts';
import { PLAN_CHECK, RUN_CHECK, CANCEL_BUTTON, planCheckKey, runExternalId } from '../repository/checks.ts';
import {
  type HandlerServices,
  type OpenRepository,
  openStoredRepository,
} from '../repository/open-repository.ts';
import { runCommentKey, runPage } from '../repository/pages.ts';
import { RejectedWrites } from './rejected-writes.ts';
import { RunStates } from './run-states.ts';
import { staysWithoutPull, publishUnit, type ReportContext } from './unit-report.ts';

/** A status comment is not written more often than that while a run is under way. Milliseconds. */
const COMMENT_INTERVAL_MS = 3_000;
/** How long after the end of a run it is tried to tell what GitHub refuses. Milliseconds. */
const RETRY_FOR_MS = 86_400_000;
/** How many runs are kept in mind. */
const CACHE_SIZE = 200;
/** When GitHub refuses what it should take, it is asked again later: somebody may change the rule. Milliseconds. */
const RETRY_MS = 60_000;

/** What was told of a unit, and what GitHub refused of that. */
interface PublishedUnit {
  readonly fingerprint: string;
  readonly refused: readonly string[];
  /** Milliseconds since 1970. */
  readonly retryAt: number;
}

/** Tells on GitHub what became of runs. What it says follows from what is, so that the last state wins. */
export class Reporter {
  readonly #services: HandlerServices;
  readonly #states: RunStates;
  readonly #onTrouble: (what: string, error: unknown) => void;
  /** When the status comment of a run was written last, and what of the run it told. */
  readonly #comments = new LRUCache<string, { readonly at: number; readonly published: string }>({
    max: CACHE_SIZE,
  });
  /** By run and unit, what was told last: what is as it was is passed by, so that a run of any size costs what changed. */
  readonly #units = new LRUCache<string, Map<string, PublishedUnit>>({ max: CACHE_SIZE });

  constructor(services: HandlerServices, onError: (what: string, error: unknown) => void) {
    this.#services = services;
    this.#states = new RunStates(services.database);
    this.#onTrouble = onError;
  }

  /** Tells of one run, up to now, until the signal. Never rejects: what GitHub does not take now is told later. */
  async publish(report: DueReport, signal: AbortSignal): Promise<PublishResult> {
    try {
      return await this.#tell(report, signal);
    } catch (error) {
      if (error instanceof RateLimitedError) return { kind: 'later', until: error.until };
      if (signal.aborted) return { kind: 'later', until: new Date() };
      this.#onTrouble('a run could not be told about', error);
      return retryLater('later', await this.#states.read(report.run));
    }
  }

  async #tell(report: DueReport, signal: AbortSignal): Promise<PublishResult> {
    const { database, contexts } = this.#services;
    const [known, state] = [
      await findRepositoryById(database, report.repository),
      await this.#states.read(report.run),
    ];
    if (known === undefined || state === undefined) return { kind: 'told' };
    const repository = openStoredRepository(known, { ...this.#services, signal });
    const isNew =
      report.thread !== null && (await repository.pr.idOf(runCommentKey(report.run))) === undefined;
    const context = await contexts.runOf(report.run);
    const reportContext: ReportContext = {
      repository,
      state,
      config: context.config,
      specsOf: async (unit) => contexts.unitOf(report.run, unit).catch(unlessTooSlow),
      pulls: new Map(await listUnitPulls(database, known.id, state.target)),
      opened: new Set(await listPullsOfRun(database, known.id, report.run)),
      mayOpen: contexts.ceilings.CHOO_MAX_PULL_REQUESTS,
      records: await listRecords(database, known.id, state.target),
      base: report.base,
      page: await runPage(repository, report, this.#services),
      database,
      redact: this.#services.redact,
      refusals: new RejectedWrites(this.#onTrouble, signal),
    };
    const { refusals } = reportContext;
    // Where nothing is said yet, that comes first: somebody waits for it.
    if (isNew)
      await refusals.step(
        'the status comment',
        async () => void (await this.#tellRun(report, reportContext)),
      );
    const page = isNew ? await runPage(repository, report, this.#services) : reportContext.page;
    const before = report.upTo.wanted === 0 ? this.#units.get(report.run) : undefined;
    const now = new Map<string, PublishedUnit>();
    this.#units.delete(report.run);
    for (const unit of state.units.values()) {
      const { id } = unit.plan;
      const last = before?.get(id);
      if (last?.fingerprint === unitFingerprint(unit, reportContext) && Date.now() < last.retryAt) {
        now.set(id, last);
        refusals.repeat(last.refused);
        continue;
      }
      const count = refusals.sentences.length;
      await refusals.step(`unit ${id}`, async () => publishUnit(unit, { ...reportContext, page }));
      const refused = refusals.sentences.slice(count);
      const retryAt = refused.length === 0 ? Infinity : Date.now() + RETRY_MS;
      now.set(id, { fingerprint: unitFingerprint(unit, reportContext), refused, retryAt });
    }
    this.#units.set(report.run, now);
    let until: Date | undefined;
    await refusals.step(
      'the status comment',
      async () => void (until = await this.#tellRun(report, reportContext)),
    );
    await refusals.step('the comment on the end', async () => this.#tellEnd(report, reportContext));
    if (until !== undefined) return { kind: 'later', until };
    return refusals.sentences.length > 0 ? retryLater('refused', state) : { kind: 'told' };
  }

  /** The one comment of a run on its thread; without one, the check of its plan. Returns when it may be written again. */
  async #tellRun(report: DueReport, reportContext: ReportContext): Promise<Date | undefined> {
    const { repository, state, pulls, database } = reportContext;
    const { run } = report;
    const last = this.#comments.get(run);
    const sentences = [...new Set(reportContext.refusals.sentences)];
    const links = [...pulls.values()].map(({ number, state }) => `${number}${state}`).join();
    const published = [fingerprint(state), links, ...sentences].join('\n');
    const ended = hasEnded(state);
    if (last?.published === published && report.upTo.wanted === 0) return undefined;
    if (last !== undefined && !ended && Date.now() - last.at < COMMENT_INTERVAL_MS)
      return new Date(last.at + COMMENT_INTERVAL_MS);
    const mark = marker('run', run);
    const body = this.#services.redact(
      renderRunComment({
        state,
        waits: state.status === 'running' ? ((await findRunAhead(database, run)) ?? null) : null,
        links: linksOf(pulls),
        withoutPull: {
          units: [...state.units.values()]
            .filter((unit) => staysWithoutPull(unit, reportContext))
            .map(({ plan }) => plan.id),
          most: reportContext.mayOpen,
        },
        refusals: sentences,
        marker: mark,
        isThread: report.thread !== null,
      }),
    );
    if (report.thread !== null)
      await repository.pr.upsertComment(runCommentKey(run), { issue: report.thread, body, marker: mark });
    else {
      await this.#tellPlanCheck(repository, state, body);
      await publishRunCheck(repository, state);
    }
    this.#comments.set(run, { at: Date.now(), published });
    return undefined;
  }

  async #tellPlanCheck({ checks }: OpenRepository, state: RunState, body: string): Promise<void> {
    const { commit } = state.start;
    const conclusion =
      state.status === 'complete'
        ? 'success'
        : state.status === 'failed'
          ? 'failure'
          : hasEnded(state)
            ? 'cancelled'
            : null;
    await checks.upsert(planCheckKey(commit), {
      name: PLAN_CHECK,
      sha: commit,
      externalId: 'plan',
      conclusion,
      title: `Run ${state.start.run}: ${state.status}`,
      summary: body,
    });
  }

  /** One new comment when it is over, so that whoever waits is told. */
  async #tellEnd(report: DueReport, { repository, state, pulls }: ReportContext): Promise<void> {
    if (report.thread === null || !hasEnded(state)) return;
    const mark = marker('end', `${report.run} ${state.seq}`);
    const key = `end:${report.run}:${endOf(state)}`;
    const body = renderEndComment({ state, links: linksOf(pulls), marker: mark });
    await repository.pr.commentOnce(key, report.thread, this.#services.redact(body), mark);
  }
}

/** What GitHub does not take is tried again, until nobody waits for it any more. */
function retryLater(kind: 'later' | 'refused', state: RunState | undefined): PublishResult {
  const isOver = state === undefined || (hasEnded(state) && Date.now() - state.lastAt > RETRY_FOR_MS);
  return isOver ? { kind: 'told' } : { kind, until: new Date(Date.now() + RETRY_MS) };
}

/** Specs that cannot be read within their limits are left out; anything else goes on up. */
function unlessTooSlow(error: unknown): undefined {
  if (!(error instanceof ChooError) || error.code !== 'limit') throw error;
}

/**
 * The check of a run that has no thread. GitHub shows buttons of completed checks alone, and that of the plan is under way
 * while the run is: so this one is complete from the start, and neutral.
 */
async function publishRunCheck({ checks }: OpenRepository, state: RunState): Promise<void> {
  const { run, commit } = state.start;
  const ended = hasEnded(state);
  const externalId = runExternalId(run);
  await checks.upsert(`check:${commit}:${externalId}`, {
    name: RUN_CHECK,
    sha: commit,
    externalId,
    conclusion: 'neutral',
    title: ended ? `Run ${run} has ended` : `Run ${run} is under way`,
    summary: ended
      ? `How it went is in the check ${code(PLAN_CHECK)}.`
      : `The button cancels it, and so does ${code(`/choo cancel ${run}`)} on any issue or pull request. How far it is stands in the check ${code(PLAN_CHECK)}.`,
    actions: ended ? [] : [CANCEL_BUTTON],
  });
}

/** What of a run is worth telling again: where its units stand, and not what they are busy with. */
function fingerprint(state: RunState): string {
  const units = [...state.units.values()].map((unit) => {
    const done = [...unit.tasks.values()].filter(({ state }) => state === 'complete').length;
    return `${unit.state} ${done} ${unit.head ?? ''} ${unit.failure ?? ''} ${unit.until ?? ''} ${unit.releaseReason ?? ''}`;
  });
  return [state.status, ...units].join('\n');
}

/** The same of one unit, with all that its pull request depends on. */
function unitFingerprint(unit: UnitProgress, { pulls, records, base, state }: ReportContext): string {
  const { plan, head, claim, failure, message, releaseReason, verified, endedAt } = unit;
  const record = records.get(plan.id);
  const around = [plan.id, ...plan.dependsOn].map((id) => {
    const pull = pulls.get(id);
    return [pull?.number, pull?.state, state.units.get(id)?.branch, state.units.get(id)?.head];
  });
  const own = [unit.state, head, claim, failure, message, releaseReason, verified, endedAt];
  return JSON.stringify([own, around, base, record?.run, record?.outcome]);
}

function hasEnded({ status }: RunState): boolean {
  return status !== 'running' && status !== 'interrupted';
}

/** Tells one end of a run from the next, when it went on in between. */
function endOf(state: RunState): string {
  return `${state.status} ${Math.max(...[...state.units.values()].map(({ claim }) => claim), 0)}`;
}

function linksOf(pulls: ReportContext['pulls']): ReadonlyMap<string, UnitLink> {
  return new Map([...pulls].map(([id, { number, state }]) => [id, { pull: { number, state } }]));
}
