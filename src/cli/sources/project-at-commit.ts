import { CONFIG_FILES } from '../../config/schema.ts';
import { ChooError } from '../../errors.ts';
import { openGit } from '../../git/git.ts';
import { ObjectReader } from '../../git/objects/object-reader.ts';
import { CommitTree, resolveCommit } from '../../git/objects/spec-tree.ts';
import { findRepository, type RepositoryPaths } from '../../git/repository.ts';
import { type Project, readProject } from '../../plan/project.ts';

/** A project as one commit of its repository has it. */
export interface ProjectAtCommit {
  readonly project: Project;
  readonly place: RepositoryPaths;
  readonly commit: string;
}

/** Reads the project in a directory as a commit has it, without a checkout. */
export async function readProjectAtCommit(
  directory: string,
  rev: string,
  searchPath: string,
): Promise<ProjectAtCommit> {
  const place = await findRepository(directory, searchPath);
  const git = openGit(directory, searchPath);
  const commit = await resolveCommit(git, rev);
  await using reader = new ObjectReader(git);
  const tree = await CommitTree.open(reader, commit, place.prefix.replace(/\/$/, ''));
  return { project: await readProject(tree), place, commit };
}

/**
 * Specs and configuration that are not in HEAD as they are in the working tree. A run reads the commit, so whoever sees
 * other text on the disk must be told. Of what git does not know, only what a run would read. `roots`: the directories of specs.
 */
export async function findUncommitted(
  directory: string,
  roots: readonly string[],
  searchPath: string,
): Promise<readonly string[]> {
  const git = openGit(directory, searchPath);
  const words = ['--porcelain', '-z', '--no-renames', '--untracked-files=all', '--ignored=no'];
  const status = await git.run('status', ...words, '--', ...roots, ...CONFIG_FILES);
  return status
    .split('\0')
    .filter((entry) => entry !== '' && (!entry.startsWith('??') || isRead(entry)))
    .map((entry) => `${STATES[entry.slice(0, 2).trim().charAt(0)] ?? 'changed'}  ${entry.slice(3)}`);
}

/** An editor's backup beside the specs is nobody's business. */
function isRead(path: string): boolean {
  return path.endsWith('.md') || CONFIG_FILES.some((file) => path.endsWith(file));
}

const STATES: Readonly<Record<string, string>> = {
  '?': 'not in git ',
  A: 'not in HEAD',
  D: 'deleted    ',
  M: 'changed    ',
};

/** The refusal to run what is not committed. */
export function uncommittedError(paths: readonly string[]): ChooError {
  const list = paths.slice(0, 20).map((path) => `\n  ${path}`);
  const more = paths.length > 20 ? `\n  and ${paths.length - 20} more` : '';
  return new ChooError('usage', `specs or configuration differ from HEAD:${list.join('')}${more}`, {
    hint: 'commit them, or name the commit to run with `--rev`',
  });
}
