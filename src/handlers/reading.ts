import { holdToCeilings } from '../config/hold-to-ceilings.ts';
import type { LoadedConfig } from '../config/load.ts';
import { CONFIG_FILES, DEFAULT_CONFIG } from '../config/schema.ts';
import { ChooError } from '../errors.ts';
import { findBranchesInTheWay } from '../git/branches.ts';
import { CommitTree } from '../git/spec-tree.ts';
import { diffTrees, findFile, findTree, treeOf } from '../git/tree-object.ts';
import type { DiscoveryCache } from '../discovery/discovery-cache.ts';
import type { RemotePlace } from '../orchestrator/remote-places.ts';
import { readCommit } from '../orchestrator/server-context.ts';
import { makePlan } from '../plan/plan.ts';
import { readConfiguration } from '../plan/project.ts';
import type { Plan } from '../plan/schema.ts';
import type { Problem } from '../problems/problem.ts';
import { listRecords } from '../store/event-rows.ts';
import { noteRepository } from '../store/github-repositories.ts';
import type { HandlerServices, OpenRepository } from './services.ts';

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

/** Reads the configuration that holds. The repository must have been fetched. */
export async function readPolicy(
  { known }: OpenRepository,
  place: RemotePlace,
  services: Pick<HandlerServices, 'database' | 'contexts'>,
): Promise<Policy> {
  const { ceilings } = services.contexts;
  const { defaultBranch, configCommit } = known;
  const head = await place.branches.fetchedHead(defaultBranch);
  if (head === undefined)
    throw new ChooError('git', `the default branch \`${defaultBranch}\` is not there`, {
      hint: 'push it, or choose another one in the settings of the repository',
    });
  const configuration = await configurationAt(place, head);
  const problems = configuration.problems.filter(({ severity }) => severity === 'error');
  if (problems.length === 0) {
    if (configCommit !== head) await noteRepository(services.database, known.id, { configCommit: head });
    return {
      kind: 'holds',
      commit: head,
      configuration: holdToCeilings(configuration, ceilings),
      broken: null,
    };
  }
  const lastGood = configCommit === null ? undefined : await tryConfigurationAt(place, configCommit);
  if (configCommit === null || lastGood === undefined) return { kind: 'none', commit: head, problems };
  return {
    kind: 'holds',
    commit: configCommit,
    configuration: holdToCeilings(lastGood, ceilings),
    broken: { commit: head, problems },
  };
}

async function configurationAt({ repository }: RemotePlace, commit: string): Promise<LoadedConfig> {
  return readConfiguration(await CommitTree.open(repository.reader, commit));
}

/** A rewritten history may have lost it. */
async function tryConfigurationAt(place: RemotePlace, commit: string): Promise<LoadedConfig | undefined> {
  const [there] = await place.repository.reader.info([commit]);
  return there === undefined ? undefined : configurationAt(place, commit);
}

/** What a push or a pull request changes of what choo reads. */
export interface SpecChanges {
  readonly configuration: boolean;
  /** The names of the directories below the spec tree. */
  readonly units: ReadonlySet<string>;
}

/** Compares two commits. Opens only the trees that differ. `before` undefined: all of it is new. */
export async function findSpecChanges(
  { repository: { reader } }: RemotePlace,
  specsDir: string,
  before: string | undefined,
  after: string,
): Promise<SpecChanges> {
  const [old, now] = [
    before === undefined ? undefined : await treeOf(reader, before),
    await treeOf(reader, after),
  ];
  const at = async (tree: string | undefined, path: string) =>
    tree && (await findFile(reader, tree, path))?.id;
  const directory = async (tree: string | undefined) => tree && (await findTree(reader, tree, specsDir))?.id;
  let configuration = false;
  for (const path of CONFIG_FILES) configuration ||= (await at(old, path)) !== (await at(now, path));
  const [specsBefore, specsNow] = [await directory(old), await directory(now)];
  if (specsBefore === specsNow) return { configuration, units: new Set() };
  const changes = await diffTrees(reader, specsBefore, specsNow);
  return { configuration, units: new Set(changes.map(({ path }) => path.split('/')[0] ?? '')) };
}

/** Where a branch left another one; undefined: they have no history in common, or one is not there. */
export async function findMergeBase(
  { repository, branches }: RemotePlace,
  branch: string,
  commit: string,
): Promise<string | undefined> {
  const head = await branches.fetchedHead(branch);
  if (head === undefined) return undefined;
  const { yes, stdout } = await repository.git.ask('merge-base', head, commit);
  return yes ? stdout.trim() : undefined;
}

/** Where a unit stands beside what was done for it before. */
type KeyState = 'new' | 'changed' | 'satisfied';

/** A plan of a commit under the configuration that holds, and what is known of its units. */
export interface Reading {
  readonly plan: Plan;
  readonly commit: string;
  readonly policy: Policy;
  readonly keys: ReadonlyMap<string, KeyState>;
  /** The branch that results would go to. */
  readonly target: string;
}

/** Plans a commit. It must be here, or in a branch that can be fetched. */
export async function readPlan(
  repository: OpenRepository,
  place: RemotePlace,
  {
    commit,
    target,
    cache,
  }: { readonly commit: string; readonly target: string; readonly cache?: DiscoveryCache },
  services: Pick<HandlerServices, 'database' | 'policy' | 'contexts'>,
): Promise<Reading> {
  const policy = await readPolicy(repository, place, services);
  const specs = await readCommit(place, commit, '', cache);
  const configuration = policy.kind === 'holds' ? policy.configuration : specs.configuration;
  // The configuration of a branch does not hold yet. What is wrong with it is told where it is written.
  const isOther = policy.kind === 'holds' && policy.commit !== commit;
  const { allowedProviders, provider } = services.policy;
  const plan = makePlan({
    discovery: specs.discovery,
    configuration,
    source: { kind: 'commit', name: commit, commit },
    repositoryProblems: [
      ...(isOther ? specs.configuration.problems : []),
      ...findBranchesInTheWay(
        [...(await place.repository.branchHeads('choo')).keys()],
        target,
        specs.discovery.units.map(({ id }) => id),
      ),
    ],
    wishes: { environment: provider },
    allowedProviders,
  });
  return { plan, commit, policy, target, keys: await keysOf(plan, repository, target, services) };
}

async function keysOf(
  plan: Plan,
  { known }: OpenRepository,
  target: string,
  { database }: Pick<HandlerServices, 'database'>,
): Promise<ReadonlyMap<string, KeyState>> {
  const records = await listRecords(database, known.id, target);
  return new Map(
    plan.units.flatMap(({ id, key }): [string, KeyState][] => {
      if (key === null) return [];
      const record = records.get(id);
      if (record === undefined) return [[id, 'new']];
      if (record.key !== key) return [[id, 'changed']];
      return [[id, record.verified || record.outcome === 'merged' ? 'satisfied' : 'new']];
    }),
  );
}

/** The units of a plan that stand in one of these directories. */
export function unitsIn({ units, specsDir }: Plan, directories: ReadonlySet<string>): ReadonlySet<string> {
  const inside = units.filter(({ directory }) => directories.has(directory.slice(specsDir.length + 1)));
  return new Set(inside.map(({ id }) => id));
}

/** The directory that units are in, under the configuration that holds. */
export function specsDirOf(policy: Policy): string {
  return policy.kind === 'holds'
    ? (policy.configuration.config?.specs_dir ?? DEFAULT_CONFIG.specs_dir)
    : DEFAULT_CONFIG.specs_dir;
}
