import type { Database } from '../../store/database/database.ts';
import { changeContent, listRoundsOfPull, moveRound } from '../../store/github/review-rounds.ts';

/** Leaves a thread out of the rounds of a pull request that have not started; one that asks for nothing else ends. */
export async function dropThread(
  database: Database,
  repository: string,
  { pull, id }: { readonly pull: number; readonly id: string },
): Promise<void> {
  for (const round of await listRoundsOfPull(database, repository, pull)) {
    const { content } = round;
    const threads = content.threads.filter((thread) => thread.id !== id);
    if (round.state === 'started' || threads.length === content.threads.length) continue;
    const isEmpty = threads.length === 0 && content.words === null && content.checks.length === 0;
    if (isEmpty) await moveRound(database, round.id, { state: 'ended', outcome: 'nothing' });
    else await changeContent(database, round.id, { ...content, threads });
  }
}
