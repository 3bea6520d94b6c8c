import type { LoadedConfig } from '../config/load.ts';
import type { ObjectReader } from '../git/objects/object-reader.ts';
import { CommitTree } from '../git/objects/spec-tree.ts';
import { readConfiguration } from '../plan/project.ts';
import type { Problem } from '../problems/problem.ts';

/** The configuration that holds for a repository: that of its default branch, or the last one that was good. */
export type Policy =
  | {
      readonly kind: 'holds';
      readonly commit: string;
      readonly configuration: LoadedConfig;
      /** What is wrong with the one on the default branch, which therefore does not hold. */
      readonly broken: { readonly commit: string; readonly problems: readonly Problem[] } | null;
    }
  /** There never was a good one: nothing runs. */
  | { readonly kind: 'none'; readonly commit: string; readonly problems: readonly Problem[] };

/** `head`: of the default branch. `lastGood`: the commit of the last configuration that held; a rewritten history may have lost it. */
export async function readPolicy(
  reader: ObjectReader,
  { head, lastGood }: { readonly head: string; readonly lastGood: string | null },
): Promise<Policy> {
  const configuration = await configurationAt(reader, head);
  const problems = configuration.problems.filter(({ severity }) => severity === 'error');
  if (problems.length === 0) return { kind: 'holds', commit: head, configuration, broken: null };
  const [there] = lastGood === null ? [] : await reader.info([lastGood]);
  if (lastGood === null || there === undefined) return { kind: 'none', commit: head, problems };
  return {
    kind: 'holds',
    commit: lastGood,
    configuration: await configurationAt(reader, lastGood),
    broken: { commit: head, problems },
  };
}

/** The configuration of a commit, seen from a directory of it. */
export async function configurationAt(
  reader: ObjectReader,
  commit: string,
  directory = '',
): Promise<LoadedConfig> {
  return readConfiguration(await CommitTree.open(reader, commit, directory));
}
