import { listRoundsOfPull, moveRound } from '../../store/github/review-rounds.ts';
import { cancelOpenRun } from '../../store/runs/change-run.ts';
import type { HandlerServices } from '../repository/open-repository.ts';

/**
 * Cancels the rounds of a pull request that wait or are worked on. Returns how many waited, and how many were worked on, of which
 * the end is answered.
 */
export async function cancelRounds(
  { repository, pull, actor }: { readonly repository: string; readonly pull: number; readonly actor: string },
  { database, runStore }: Pick<HandlerServices, 'database' | 'runStore'>,
): Promise<{ readonly waiting: number; readonly started: number }> {
  const rounds = await listRoundsOfPull(database, repository, pull);
  const waiting = rounds.filter(({ state }) => state === 'waiting');
  const started = rounds.filter(({ state }) => state === 'started');
  for (const { id } of waiting) await moveRound(database, id, { state: 'ended', outcome: 'cancelled' });
  for (const { run } of started) if (run !== null) await cancelOpenRun(runStore, { run, actor });
  return { waiting: waiting.length, started: started.length };
}
