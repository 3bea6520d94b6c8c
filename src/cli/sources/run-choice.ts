import { ChooError, coerceError } from '../../errors.ts';
import type { RunState } from '../../events/state.ts';
import { readLock } from '../../store/journal/journal-lock.ts';
import { readRunState } from '../../store/journal/run-state.ts';
import type { CommandContext } from '../context.ts';
import { type LocalJournal, openLocalJournal } from './local-journal.ts';
import { isRunId, isServerSet } from './run-source.ts';

/** The run that a command changes, and the units that it names. */
export type ChosenRun =
  | {
      readonly kind: 'local';
      readonly local: LocalJournal;
      readonly state: RunState;
      readonly units: readonly string[];
    }
  | { readonly kind: 'server'; readonly run: string; readonly units: readonly string[] };

/**
 * Chooses as `choo status` does: this repository where it has the run, else the server of this machine's settings. The first
 * word may be the id of a run; without one, it is the run that is under way in this repository, or its newest. A server has
 * many, so there it must be named. Throws a ChooError (`usage`) where there is none.
 */
export async function chooseRun(
  context: CommandContext,
  words: readonly string[],
  named: string | undefined,
): Promise<ChosenRun> {
  const local = await openLocalJournal(context, undefined).catch((error: unknown) => coerceError(error));
  const runs = local instanceof ChooError ? [] : await local.journal.runs();
  const [first, ...rest] = words;
  if (!(local instanceof ChooError) && runs.length > 0) {
    const current = await readCurrent(local, runs);
    if (named !== undefined && runs.includes(named)) return readChosen(local, named, words);
    if (named === undefined && first !== undefined && runs.includes(first))
      return readChosen(local, first, rest);
    const isUnit = first === undefined || !isRunId(first) || current.units.has(first);
    if (named === undefined && isUnit) return { kind: 'local', local, state: current, units: words };
  }
  const run = named ?? first;
  if (run !== undefined && isServerSet())
    return { kind: 'server', run, units: named === undefined ? rest : words };
  if (local instanceof ChooError) throw local;
  throw new ChooError(
    'usage',
    run === undefined || (runs.length === 0 && !isRunId(run))
      ? 'nothing has run here yet'
      : `there is no run \`${run}\` in this repository`,
    { hint: runs[0] === undefined ? 'name the run of a server by its id' : `the newest is ${runs[0]}` },
  );
}

async function readCurrent({ journal, place }: LocalJournal, runs: readonly string[]): Promise<RunState> {
  const owner = await readLock(place.commonDirectory);
  const run = owner !== undefined && runs.includes(owner.run) ? owner.run : (runs[0] ?? '');
  return readRunState(journal, run);
}

async function readChosen(local: LocalJournal, run: string, units: readonly string[]): Promise<ChosenRun> {
  return { kind: 'local', local, state: await readRunState(local.journal, run), units };
}
