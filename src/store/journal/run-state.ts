import { ChooError } from '../../errors.ts';
import { foldEvents, type RunState } from '../../events/state.ts';
import type { RunReader } from '../../events/store.ts';

/** The state of a local run. Throws a ChooError (`usage`) when the repository has no such run. */
export async function readRunState(journal: Pick<RunReader, 'read'>, run: string): Promise<RunState> {
  const state = foldEvents(await journal.read(run));
  if (state === undefined) throw new ChooError('usage', `there is no run \`${run}\` in this repository`);
  return state;
}
