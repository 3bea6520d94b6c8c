import type { Sender } from '../../github/api/access.ts';
import { newRunId } from '../../orchestrator/run-start.ts';
import { saveFeedback } from '../../store/github/review-rounds.ts';
import { listUnitPulls } from '../../store/github/unit-pulls.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import { freezeFeedback } from './freeze-round.ts';

/** Saves what reviews said of units for a run that is about to begin with them anew. Returns the id that the run must get. */
export async function saveReviewsFor(
  repository: OpenRepository,
  work: Omit<Parameters<typeof saveReviews>[1], 'run'>,
  services: HandlerServices,
): Promise<string> {
  const run = newRunId();
  await saveReviews(repository, { run, ...work }, services);
  return run;
}

/** Saves, for units that are about to start over in a run, what reviews said on their pull requests so far. */
export async function saveReviews(
  repository: OpenRepository,
  {
    run,
    target,
    units,
    actor,
  }: {
    readonly run: string;
    readonly target: string;
    readonly units: readonly string[];
    readonly actor: Sender;
  },
  services: HandlerServices,
): Promise<void> {
  const { database } = services;
  const pulls = await listUnitPulls(database, repository.known.id, target);
  for (const unit of units) {
    const pull = pulls.get(unit);
    if (pull === undefined || pull.state === 'merged') continue;
    const content = await freezeFeedback(repository, pull.number, services);
    if (content.words === null && content.threads.length === 0) continue;
    const round = { id: newRunId(), repository: repository.known.id, target, unit, pull: pull.number };
    await saveFeedback(database, run, {
      ...round,
      actorId: actor.id,
      actor: actor.login,
      byBot: actor.type !== 'User',
      head: pull.head ?? '',
      content,
      leftOut: 0,
    });
  }
}
