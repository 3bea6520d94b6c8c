import type { LoadedConfig } from '../config/load.ts';
import type { ObjectReader } from '../git/objects/object-reader.ts';
import { CommitTree } from '../git/objects/spec-tree.ts';
import { readConfiguration } from '../plan/project.ts';
import type { Problem } from '../problems/problem.ts';

/** The configuration in force for a repository: the one on its default branch, or the last valid one. */
export type EffectiveConfig =
  | {
      readonly kind: 'holds';
      readonly commit: string;
      readonly configuration: LoadedConfig;
      /** The problems of the one on the default branch, when it is therefore not in force. */
      readonly broken: { readonly commit: string; readonly problems: readonly Problem[] } | null;
    }
  /** There never was a valid one: nothing runs. */
  | { readonly kind: 'none'; readonly commit: string; readonly problems: readonly Problem[] };

/** `head`: of the default branch. `lastGood`: the commit of the last valid configuration; it may be lost after a force-push. */
export async function readPolicy(
  reader: ObjectReader,
  { head, lastGood }: { readonly head: string; readonly lastGood: string | null },
): Promise<EffectiveConfig> {
  const configuration = await configurationAt(reader, head);
  const problems = configuration.problems.filter(({ severity }) => severity === 'error');
  if (problems.length === 0) return { kind: 'holds', commit: head, configuration, broken: null };
  const [found] = lastGood === null ? [] : await reader.info([lastGood]);
  if (lastGood === null || found === undefined) return { kind: 'none', commit: head, problems };
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
