import { ZodError } from 'zod';
import { messageOf } from '../../errors.ts';
import { RateLimitedError, statusOf } from '../../github/api/client.ts';
import { missingPermission } from '../../github/api/missing-permission.ts';
import type { Delivery, Handled } from '../../store/github/deliveries.ts';
import { Planner } from '../planning/planner.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import { handleCheckRun, handleCheckSuite } from './check.ts';
import { handleComment } from './comment.ts';
import { handleDelete } from './delete.ts';
import { handleInstallation, handleRepository } from './installation.ts';
import { handleLabel } from './label.ts';
import { handlePullRequest } from './pull-request.ts';
import { handlePush } from './push.ts';
import { handleReview, handleReviewComment, handleReviewThread } from './review.ts';

type Handler = (delivery: Delivery, planner: Planner, services: HandlerServices) => Promise<void>;

/** The handler of each event; `subjectOf` decides which deliveries are stored. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  push: handlePush,
  delete: async (delivery, _, services) => handleDelete(delivery, services),
  pull_request: async (delivery, planner, services) => {
    await handleLabel(delivery, planner, services);
    await handlePullRequest(delivery, planner, services);
  },
  pull_request_review: handleReview,
  pull_request_review_comment: handleReviewComment,
  pull_request_review_thread: async (delivery, _, services) => handleReviewThread(delivery, services),
  issues: handleLabel,
  issue_comment: handleComment,
  check_run: handleCheckRun,
  check_suite: handleCheckSuite,
  installation: async (delivery, _, services) => handleInstallation(delivery, services),
  installation_repositories: async (delivery, _, services) => handleInstallation(delivery, services),
  repository: async (delivery, _, services) => handleRepository(delivery, services),
};

/** Time limit for handling one delivery. Milliseconds. */
const HANDLER_TIMEOUT_MS = 5 * 60_000;

/**
 * Handles deliveries of every kind. Failures are returned, never thrown. A handler that exceeds its time limit is aborted, and
 * this resolves once its git, planning and requests have ended: a delivery is never handled twice at the same time.
 */
export function createHandler(
  services: HandlerServices,
  longestMs = HANDLER_TIMEOUT_MS,
): (delivery: Delivery, signal?: AbortSignal) => Promise<Handled> {
  return async (delivery, signal) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error('it took too long')), longestMs);
    try {
      const ending = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
      const story: HandlerServices['story'] = (facts, message) =>
        services.story({ delivery: delivery.id, ...facts }, message);
      const inTime = { ...services, story, signal: ending };
      await HANDLERS[delivery.event]?.(delivery, new Planner(inTime), inTime);
      return { kind: 'done' };
    } catch (error) {
      if (late.signal.aborted) return { kind: 'failed', reason: 'it took too long' };
      if (error instanceof RateLimitedError)
        return { kind: 'later', until: error.until, reason: error.message };
      // An unreadable payload requests nothing; nor does a repository that choo may no longer see.
      if (error instanceof ZodError || [404, 410, 451].includes(statusOf(error) ?? 0))
        return { kind: 'done' };
      // Nothing changes before the owner of the installation grants it.
      if (missingPermission(error) !== undefined)
        return { kind: 'done', trouble: services.redact(messageOf(error)) };
      return {
        kind: 'failed',
        reason: services.redact(messageOf(error)),
      };
    } finally {
      clearTimeout(timer);
    }
  };
}
