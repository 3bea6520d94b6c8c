import { findRepository, type RepositoryPaths } from '../../git/repository.ts';
import { Journal } from '../../store/journal/journal.ts';
import type { CommandContext } from '../context.ts';
import { findProjectDirectory } from './workspace.ts';

/** The runs of the repository around a project. */
export interface LocalJournal {
  readonly place: RepositoryPaths;
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
