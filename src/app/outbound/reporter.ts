import { LRUCache } from 'lru-cache';
import { ChooError } from '../../errors.ts';
import type { RunState } from '../../events/state.ts';
import { RateLimitedError } from '../../github/api/client.ts';
import { marker } from '../../github/api/marker.ts';
import { renderEndComment } from '../../github/render/end-comment.ts';
import { renderRunComment } from '../../github/render/run-comment.ts';
import { findRepositoryById } from '../../store/github/github-repositories.ts';
import type { DueReport, PublishResult } from '../../store/github/reports.ts';
import { listPullsOfRun, listUnitPulls } from '../../store/github/unit-pulls.ts';
import { listRecords } from '../../store/runs/event-rows.ts';
import { listUpdates } from '../../store/runs/updates.ts';
import type { CommitSignatures } from '../repository/commit-signatures.ts';
import { type HandlerServices, openStoredRepository } from '../repository/open-repository.ts';
import { runCommentKey, runPage } from '../repository/pages.ts';
import { findWithheld } from '../repository/permissions.ts';
import { readStackWay } from '../repository/stack-way.ts';
import { NextSteps } from '../pulls/next-steps.ts';
import { RejectedWrites } from '../pulls/rejected-writes.ts';
import { Stack } from '../pulls/stack.ts';
import { publishUnit } from '../pulls/publish-unit.ts';
import { noteReverts } from '../pulls/note-reverts.ts';
import { onceEach, type ReportContext } from '../pulls/report-context.ts';
import { publishRounds } from '../reviews/publish-rounds.ts';
import { hasEnded, publishPlanCheck, publishRunCheck } from './run-checks.ts';
import { RunStates } from './run-states.ts';
import { dependentsOf, endOf, fingerprint, unitFingerprint } from './fingerprints.ts';
import { linksOf, overtakeEarlierRun, readStatusComment } from './status-comment.ts';

/** Minimum interval between two updates of the status comment of an open run. Milliseconds. */
const COMMENT_INTERVAL_MS = 3_000;
/** How long after a run's end rejected writes are retried. Milliseconds. */
const RETRY_FOR_MS = 86_400_000;
/** Cached runs. */
const CACHE_SIZE = 200;
/** Interval between retries of a rejected write: someone may change the rule that rejects it. Milliseconds. */
const RETRY_MS = 60_000;

/** What was published of a unit, and what GitHub rejected of it. */
interface PublishedUnit {
  readonly fingerprint: string;
  readonly refused: readonly string[];
  /** Milliseconds since 1970. */
  readonly retryAt: number;
}

/** Publishes runs on GitHub. Everything is computed from the current state, so the newest state wins. */
export class Reporter {
  readonly #services: HandlerServices;
  readonly #states: RunStates;
  readonly #onError: (what: string, error: unknown) => void;
  readonly #signatures: CommitSignatures;
  readonly #steps: NextSteps;
  /** Merged pull requests whose branches are gone. */
  readonly #deleted = new LRUCache<string, true>({ max: 10_000 });
  /** By run: when its status comment was last written, and the fingerprint that it showed. */
  readonly #comments = new LRUCache<string, { readonly at: number; readonly published: string }>({
    max: CACHE_SIZE,
  });
  /** By run and unit: unchanged units are skipped, so the cost is proportional to what changed. */
  readonly #units = new LRUCache<string, Map<string, PublishedUnit>>({ max: CACHE_SIZE });

  constructor(
    services: HandlerServices,
    signatures: CommitSignatures,
    onError: (what: string, error: unknown) => void,
  ) {
    this.#services = services;
    this.#signatures = signatures;
    this.#states = new RunStates(services.database);
    this.#onError = onError;
    this.#steps = new NextSteps(services);
  }

  /** Publishes one run's current state, until the signal. Never rejects: what GitHub does not accept now is retried later. */
  async publish(report: DueReport, signal: AbortSignal): Promise<PublishResult> {
    try {
      return await this.#publishReport(report, signal);
    } catch (error) {
      if (error instanceof RateLimitedError) return { kind: 'later', until: error.until };
      if (signal.aborted) return { kind: 'later', until: new Date() };
      this.#onError('failed to publish a run', error);
      return retryLater('later', await this.#states.read(report.run));
    }
  }

  async #publishReport(report: DueReport, signal: AbortSignal): Promise<PublishResult> {
    const { database, contexts } = this.#services;
    const [known, state] = [
      await findRepositoryById(database, report.repository),
      await this.#states.read(report.run),
    ];
    if (known === undefined || state === undefined) return { kind: 'published' };
    const repository = openStoredRepository(known, { ...this.#services, signal });
    const isNew =
      report.thread !== null && (await repository.pr.idOf(runCommentKey(report.run))) === undefined;
    const context = await contexts.runOf(report.run);
    const pulls = new Map(await listUnitPulls(database, known.id, state.target));
    const records = await listRecords(database, known.id, state.target);
    const updates = await listUpdates(database, known.id, state.target);
    using stack = new DisposableStack();
    const specsOf = onceEach(async (unit) => contexts.unitOf(report.run, unit).catch(unlessTooSlow));
    let opening: Promise<Stack | undefined> | undefined;
    const openStack = async (): Promise<Stack | undefined> => {
      const remote = stack.use(await repository.openRemote());
      const signature = await this.#signatures.find(known.installation);
      const way = context.config.stack ?? (await readStackWay(repository, report.base));
      return Stack.open(
        {
          database,
          repository: known.id,
          specsOf,
          state,
          target: report.base,
          pulls,
          records,
          updates,
          config: context.config,
          way,
          signature,
        },
        remote,
        signal,
      );
    };
    let again: Date | undefined;
    const withheld = await findWithheld({ ...this.#services, signal }, known.installation);
    const reportContext: ReportContext = {
      repository,
      withheld,
      state,
      isSettled: report.isRefresh && hasEnded(state),
      config: context.config,
      specsOf,
      pulls,
      opened: new Set(await listPullsOfRun(database, known.id, report.run)),
      mayOpen: contexts.ceilings.CHOO_MAX_PULL_REQUESTS,
      dependents: dependentsOf(state),
      records,
      updates,
      stack: async () => (opening ??= openStack()),
      takeStep: async (unit, position) => {
        const record = records.get(unit);
        const at = { repository: known.id, target: state.target, unit };
        const taken = record && (await this.#steps.take(at, record, position));
        if (taken?.kind === 'later' && (again === undefined || taken.until < again)) again = taken.until;
        return taken?.kind === 'taken';
      },
      page: await runPage(repository, report, this.#services),
      database,
      redact: this.#services.redact,
      refusals: new RejectedWrites(this.#onError, signal),
    };
    const { refusals } = reportContext;
    refusals.repeat([...withheld.values()]);
    // A new run's status comment comes first: the actor waits for it.
    if (isNew) {
      await overtakeEarlierRun(database, report);
      await refusals.step(
        'the status comment',
        async () => void (await this.#publishRun(report, reportContext)),
      );
    }
    const page = isNew ? await runPage(repository, report, this.#services) : reportContext.page;
    const before = report.upTo.wanted === 0 ? this.#units.get(report.run) : undefined;
    this.#units.delete(report.run);
    if (report.upTo.wanted > 0)
      await refusals.step('what became of merged work', async () => noteReverts(reportContext));
    const first = await publishUnits(before, { ...reportContext, page });
    // A pull request that was opened is named by those that it is on top of.
    this.#units.set(report.run, await publishUnits(first, { ...reportContext, page }));
    await refusals.step('the answer to a review', async () => {
      const later = await publishRounds(reportContext, this.#services);
      if (later !== undefined && (again === undefined || later < again)) again = later;
    });
    let until: Date | undefined;
    await refusals.step(
      'the status comment',
      async () => void (until = await this.#publishRun(report, reportContext)),
    );
    await refusals.step('the comment on the end', async () => this.#postEnd(report, reportContext));
    if (context.config.delete_merged && hasEnded(state))
      await refusals.step('the deletion of a merged branch', async () =>
        this.#deleteBranches(reportContext, opening !== undefined),
      );
    if (until !== undefined) return { kind: 'later', until };
    if (refusals.sentences.length > 0) return retryLater('refused', state);
    return again === undefined ? { kind: 'published' } : { kind: 'refused', until: again };
  }

  /** Deletes the branches of merged units, once, and what the stack has no use for, if it was read. */
  async #deleteBranches({ pulls, repository, stack }: ReportContext, isRead: boolean): Promise<void> {
    const keyOf = (unit: string): string => `${repository.known.id} ${pulls.get(unit)?.number}`;
    const left = [...pulls.values()].filter(
      ({ state, unit }) => state === 'merged' && !this.#deleted.has(keyOf(unit)),
    );
    if (left.length === 0 && !isRead) return;
    for (const unit of (await (await stack())?.deleteMerged()) ?? []) this.#deleted.set(keyOf(unit), true);
  }

  /** Writes the run's status comment, or else its plan's check. Returns when it may be written again. */
  async #publishRun(report: DueReport, reportContext: ReportContext): Promise<Date | undefined> {
    const { repository, state } = reportContext;
    const { run } = report;
    const last = this.#comments.get(run);
    const sentences = [...new Set(reportContext.refusals.sentences)];
    const linked = linksOf(reportContext);
    const links = JSON.stringify([...linked.values()]);
    const published = [fingerprint(state), links, ...sentences].join('\n');
    const ended = hasEnded(state);
    if (last?.published === published && report.upTo.wanted === 0) return undefined;
    if (last !== undefined && !ended && Date.now() - last.at < COMMENT_INTERVAL_MS)
      return new Date(last.at + COMMENT_INTERVAL_MS);
    const mark = marker('run', run);
    const body = this.#services.redact(
      renderRunComment({
        ...(await readStatusComment(report, reportContext, this.#services)),
        links: linked,
        refusals: sentences,
        marker: mark,
        isThread: report.thread !== null,
      }),
    );
    if (report.thread !== null)
      await repository.pr.upsertComment(runCommentKey(run), { issue: report.thread, body, marker: mark });
    else if (!reportContext.withheld.has('checks')) {
      await publishPlanCheck(repository, state, body);
      await publishRunCheck(repository, state);
    }
    this.#comments.set(run, { at: Date.now(), published });
    return undefined;
  }

  /** Posts one new comment at the end of the run, so that GitHub notifies people. */
  async #postEnd(report: DueReport, reportContext: ReportContext): Promise<void> {
    const { repository, state } = reportContext;
    if (report.thread === null || !hasEnded(state)) return;
    const mark = marker('end', `${report.run} ${state.seq}`);
    const key = `end:${report.run}:${endOf(state)}`;
    const body = renderEndComment({
      state,
      links: linksOf(reportContext),
      page: await runPage(repository, report, this.#services),
      marker: mark,
    });
    await repository.pr.commentOnce(key, report.thread, this.#services.redact(body), mark);
  }
}

/** Publishes the units that are not as they were published before. */
async function publishUnits(
  before: ReadonlyMap<string, PublishedUnit> | undefined,
  reportContext: ReportContext,
): Promise<Map<string, PublishedUnit>> {
  const { refusals } = reportContext;
  const now = new Map<string, PublishedUnit>();
  for (const unit of reportContext.state.units.values()) {
    const { id } = unit.plan;
    const last = before?.get(id);
    if (last?.fingerprint === unitFingerprint(unit, reportContext) && Date.now() < last.retryAt) {
      now.set(id, last);
      refusals.repeat(last.refused);
      continue;
    }
    const count = refusals.sentences.length;
    await refusals.step(`unit ${id}`, async () => publishUnit(unit, reportContext));
    const refused = refusals.sentences.slice(count);
    const retryAt = refused.length === 0 ? Infinity : Date.now() + RETRY_MS;
    now.set(id, { fingerprint: unitFingerprint(unit, reportContext), refused, retryAt });
  }
  return now;
}

/** Retries what GitHub did not accept, for a limited time after the run's end. */
function retryLater(kind: 'later' | 'refused', state: RunState | undefined): PublishResult {
  const isOver = state === undefined || (hasEnded(state) && Date.now() - state.lastAt > RETRY_FOR_MS);
  return isOver ? { kind: 'published' } : { kind, until: new Date(Date.now() + RETRY_MS) };
}

/** Leaves out specs that cannot be read within their limits; other errors are thrown again. */
function unlessTooSlow(error: unknown): undefined {
  if (!(error instanceof ChooError) || error.code !== 'limit') throw error;
}
