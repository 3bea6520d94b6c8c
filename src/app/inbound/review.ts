import { findAccess, isStranger } from '../../github/api/access.ts';
import type { Delivery } from '../../store/github/deliveries.ts';
import { isKnownRequest, saveRequest } from '../../store/github/requests.ts';
import { findUnitPull } from '../../store/github/unit-pulls.ts';
import type { Planner } from '../planning/planner.ts';
import { lateAnswer } from '../planning/thread.ts';
import { answer, refuse } from '../repository/answers.ts';
import { noteRequest } from '../repository/note-request.ts';
import { type HandlerServices, openRepository } from '../repository/open-repository.ts';
import { reviewCommentPayload, reviewPayload, reviewThreadPayload } from '../repository/payloads.ts';
import { dropThread } from '../reviews/drop-thread.ts';
import { requestRound } from '../reviews/request-round.ts';
import { obey } from './obey.ts';

/**
 * Handles submitted reviews: one that requests changes of a unit's pull request asks for a round; in any other only commands
 * count. Comments on lines wait for the review that they belong to.
 */
export async function handleReview(
  { payload }: Delivery,
  planner: Planner,
  services: HandlerServices,
): Promise<void> {
  const event = reviewPayload.parse(payload);
  const { action, review, pull_request: pull, sender } = event;
  if (action !== 'submitted') return;
  const { database, policy } = services;
  const source = `review ${review.id}`;
  const createdAt = new Date(review.submitted_at ?? Number.NaN);
  const thread = pull.number;
  if (review.state !== 'changes_requested') {
    const written = { body: review.body ?? '', sender, source, thread, isPull: true, createdAt };
    return obey(event, { ...written, labels: pull.labels ?? [] }, planner, services);
  }
  if (pull.state !== 'open' || isStranger(sender, policy.bots)) return;
  const repository = await openRepository(event, services);
  const { known, octokit } = repository;
  const unit = await findUnitPull(database, known.id, thread);
  if (unit === undefined || (await isKnownRequest(database, source))) return;
  const access = await findAccess(octokit, known, sender, policy.bots);
  const late = lateAnswer(createdAt, services.now());
  const reason = access.allowed ? late : access.reason;
  if (!access.allowed) await refuse(repository, { thread, who: sender.id, reason: access.reason }, services);
  else if (late !== undefined) await answer(repository, { thread, key: source, text: late }, services);
  else
    await requestRound(
      {
        repository,
        unit,
        pull: thread,
        source,
        actor: sender,
        kind: 'review',
        words: review.body ?? '',
      },
      services,
    );
  const outcome = reason === undefined ? 'done' : 'refused';
  await noteRequest(
    repository,
    { actor: sender, request: 'review', thread, outcome, reason, source },
    services,
  );
  await saveRequest(database, known.id, source);
}

/** Handles the commands in a comment on a line of a diff. */
export async function handleReviewComment(
  { payload }: Delivery,
  planner: Planner,
  services: HandlerServices,
): Promise<void> {
  const event = reviewCommentPayload.parse(payload);
  const { action, comment, pull_request: pull, sender } = event;
  if (action !== 'created') return;
  await obey(
    event,
    {
      body: comment.body ?? '',
      sender,
      source: `review comment ${comment.id}`,
      thread: pull.number,
      isPull: true,
      labels: pull.labels ?? [],
      createdAt: new Date(comment.created_at),
    },
    planner,
    services,
  );
}

/** Handles a thread that was resolved: what waits to be worked on leaves it out. */
export async function handleReviewThread({ payload }: Delivery, services: HandlerServices): Promise<void> {
  const event = reviewThreadPayload.parse(payload);
  if (event.action !== 'resolved') return;
  const { known } = await openRepository(event, services);
  await dropThread(services.database, known.id, {
    pull: event.pull_request.number,
    id: event.thread.node_id,
  });
}
