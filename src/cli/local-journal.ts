import { ChooError } from '../errors.ts';
import { foldEvents, type RunState } from '../events/state.ts';
import { findRepository, type RepositoryPlace } from '../git/repository.ts';
import { Journal } from '../store/journal.ts';
import type { CommandContext } from './context.ts';
import { findProjectDirectory } from './workspace.ts';

/** The runs of the repository around a project. */
export interface LocalJournal {
  readonly place: RepositoryPlace;
  readonly directory: string;
  readonly journal: Journal;
}

/** Opens what `choo run` wrote in the repository of a project, for reading. Throws a ChooError (`usage`) outside of one. */
export async function openLocalJournal(
  { cwd, settings }: CommandContext,
  path: string | undefined,
): Promise<LocalJournal> {
  const directory = findProjectDirectory(path, cwd);
  const place = await findRepository(directory, settings().PATH);
  return { place, directory, journal: new Journal(place.commonDirectory) };
}

/** A run as its events tell it. Throws a ChooError (`usage`) for one that is not there. */
export async function readRun(journal: Journal, run: string): Promise<RunState> {
  const state = foldEvents(await journal.read(run));
  if (state !== undefined) return state;
  const [newest] = await journal.runs();
  throw new ChooError('usage', `there is no run \`${run}\` in this repository`, {
    hint: newest === undefined ? 'nothing has run here yet' : `the newest is ${newest}`,
  });
}
