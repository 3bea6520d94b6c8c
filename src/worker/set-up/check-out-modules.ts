import { ChooError } from '../../errors.ts';
import { CheckedOutModules } from '../../git/submodules/checked-out-modules.ts';
import { fail, type GateServices, type UnitJob } from '../unit-job.ts';

/**
 * Fills the directories of submodules in a new worktree, where the configuration asks for them. They are named by the base: no
 * agent wrote that. Throws a UnitStop (`environment`) for one that cannot be had.
 */
export async function checkOutModules(
  { base, config }: UnitJob,
  { repository, signal }: GateServices,
  worktree: string,
  commit: string,
): Promise<CheckedOutModules | undefined> {
  if (!config.checkout.submodules) return undefined;
  return fetching(signal, async () =>
    CheckedOutModules.checkOut(worktree, repository, { commit, namedAt: base, signal }),
  );
}

/** Ends the unit when what is to be checked out cannot be had. */
export async function fetching<T>(signal: AbortSignal, fetch: () => Promise<T>): Promise<T> {
  try {
    return await fetch();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ChooError) || error.code === 'internal') throw error;
    throw fail('environment', error.message, error.hint);
  }
}
