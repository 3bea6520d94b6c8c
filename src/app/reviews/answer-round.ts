import type { RunEvent } from '../../events/event.ts';
import { marker } from '../../github/api/marker.ts';
import { findSender } from '../../github/api/access.ts';
import { renderRound, type RoundResult } from '../../github/render/review-answer.ts';
import type { Database } from '../../store/database/database.ts';
import { moveRound, type Round } from '../../store/github/review-rounds.ts';
import { readRunStatus, readUnitEvents } from '../../store/runs/run-reader.ts';
import { ENDED } from '../../events/run-rules.ts';
import type { ReportContext } from '../pulls/report-context.ts';
import { answer, sentence } from '../repository/answers.ts';
import type { HandlerServices } from '../repository/open-repository.ts';

/** How the update of a round ended. */
export type RoundEnd = RoundResult['end'] | { readonly kind: 'cancelled' };

/** Finds how the update of a round ended; undefined while it is open. */
export async function findEnd({ run, unit }: Round, database: Database): Promise<RoundEnd | undefined> {
  const status = run === null ? undefined : await readRunStatus(database, run);
  if (run === null || status === undefined) return { kind: 'cancelled' };
  if (!ENDED.has(status)) return undefined;
  return endOf(await readUnitEvents(database, { run, unit }));
}

/** How it ended, by the events of its unit. Pure. */
function endOf(events: readonly RunEvent[]): RoundEnd {
  const last = events.findLast(({ type }) => type === 'unit.completed' || type === 'unit.failed');
  if (last?.type === 'unit.failed') return { kind: 'failed', message: last.message, hint: last.hint };
  const answered = events.findLast((event) => event.type === 'unit.answered');
  if (last === undefined || answered === undefined) return { kind: 'cancelled' };
  const pushed = events.findLast((event) => event.type === 'branch.pushed');
  const { answers, summary } = answered;
  return { kind: 'answered', head: pushed?.head ?? null, answers, summary };
}

/**
 * Answers a round: with one review of choo's that replies to every thread; then what is fixed is resolved, and who asked is asked
 * for a new look. Each of it may be done twice, and is there once.
 */
export async function answerRound(
  round: Round,
  end: RoundEnd,
  { repository }: Pick<ReportContext, 'repository'>,
  { database, redact }: Pick<HandlerServices, 'database' | 'redact'>,
): Promise<void> {
  const { id, pull } = round;
  const { reviews, octokit, url } = repository;
  if (end.kind === 'cancelled') {
    const text = sentence('The work on this review was cancelled, and nothing of it was pushed');
    await answer(repository, { thread: pull, key: `cancelled:${id}`, text }, { redact });
    return moveRound(database, id, { state: 'ended', outcome: 'cancelled' });
  }
  const { actor, kind, leftOut } = round;
  const mark = marker('review', id);
  const { body, replies } = renderRound({
    actor,
    kind,
    leftOut,
    url,
    end,
    marker: mark,
  });
  await reviews.submit(`review:${id}`, pull, {
    body: redact(body),
    marker: mark,
    replies: replies.map((each) => ({ ...each, body: redact(each.body) })),
  });
  if (end.kind === 'answered') {
    if (end.head !== null)
      for (const { kind: what, thread } of end.answers) if (what === 'fixed') await reviews.resolve(thread);
    const sender = round.byBot ? undefined : await findSender(octokit, round.actorId);
    if (sender !== undefined) await reviews.requestReview(pull, sender.login);
  }
  await moveRound(database, id, {
    state: 'ended',
    outcome: end.kind === 'answered' ? 'answered' : 'failed',
  });
}
