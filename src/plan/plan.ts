import type { LoadedConfig } from '../config/load.ts';
import { type Config, DEFAULT_CONFIG, type ProviderName } from '../config/schema.ts';
import type { BrokenUnit, Discovery } from '../discovery/discovery.ts';
import { isComplete, type Unit } from '../discovery/unit.ts';
import { ChooError } from '../errors.ts';
import {
  collectProblems,
  compareText,
  FILE_START,
  type Position,
  type Problem,
  type Problems,
} from '../problems/problem.ts';
import {
  chooseProvider,
  type ProviderChoice,
  type ProviderSource,
  type ProviderCandidates,
} from '../provider/factory.ts';
import { Graph } from '../scheduler/graph.ts';
import { suggestion } from '../text/nearest.ts';
import { gateProblems } from './gate-problems.ts';
import { unitKeys } from './key.ts';
import type { Plan, PlanUnit } from './schema.ts';

/** The input of a plan. */
export interface PlanInput {
  readonly source: Plan['source'];
  readonly configuration: LoadedConfig;
  readonly discovery: Discovery;
  /** Warnings of files that a gate would not find. */
  readonly absent?: readonly Problem[];
  /** Path from the repository's root to the project; empty (the default), or ending in a slash. */
  readonly directory?: string;
  /** Problems outside of the files, such as a branch in the way. */
  readonly repositoryProblems?: readonly Problem[];
  /** The ids of the requested units, planned with their dependencies; undefined for every unfinished unit. */
  readonly only?: readonly string[] | undefined;
  /** The providers named by the request and the environment; those of units and configuration are read from the files. */
  readonly candidates?: Pick<ProviderCandidates, 'forced' | 'request' | 'environment'>;
  readonly allowedProviders?: readonly ProviderName[] | undefined;
  /** The providers that the server cannot start, and why. */
  readonly missing?: ReadonlyMap<ProviderName, MissingProvider> | undefined;
}

/** Why a provider cannot be started, and what its operator can do. */
export interface MissingProvider {
  readonly message: string;
  readonly hint: string;
}

/**
 * Makes the plan: what would run, in which order, with which providers, and all problems. Pure.
 * Throws a ChooError (`usage`) when `only` names a unit that does not exist.
 */
export function makePlan(input: PlanInput): Plan {
  const { configuration, discovery } = input;
  const config = configuration.config ?? DEFAULT_CONFIG;
  const wanted = selectUnits(discovery, input.only);
  const keys = unitKeys(discovery.units, config, input.directory);
  const stuck = findStuck(wanted, discovery.broken);
  const graph = new Graph(
    wanted
      .filter((unit) => !stuck.has(unit.id))
      .map((unit) => ({ id: unit.id, dependsOn: unit.dependsOn, weight: tasksLeft(unit) })),
  );
  // What a broken unit names is a problem, too: all of them are reported at once.
  const naming = [
    ...wanted,
    ...(input.only === undefined ? discovery.broken : []).flatMap(({ id, named }) =>
      named === undefined ? [] : [{ id, ...named }],
    ),
  ];
  const providers = chooseProviders(naming, config, input);
  const problems = collectProblems(
    [
      ...configuration.problems,
      ...(input.repositoryProblems ?? []),
      ...(discovery.units.length + discovery.broken.length > 0 ? (input.absent ?? []) : []),
      ...providerProblems(naming, providers, input, config.specs_dir),
      ...gateProblems(wanted, config, configuration),
    ],
    discovery.problems,
  );

  const waves = graph.waves().map((wave) => [...wave]);
  const waveOf = new Map(waves.flatMap((wave, index) => wave.map((id) => [id, index + 1] as const)));
  const requested = new Set(input.only);
  const stateOf = (unit: Unit): PlanUnit['state'] => {
    if (stuck.has(unit.id)) return 'stuck';
    if (isComplete(unit)) return requested.has(unit.id) ? 'verify' : 'complete';
    return graph.has(unit.id) ? 'planned' : 'left-out';
  };
  const fit = discovery.units.map((unit): PlanUnit => {
    const choice = providers.get(unit.id);
    return {
      ...describe(unit),
      state: stateOf(unit),
      wave: waveOf.get(unit.id) ?? null,
      provider: choice?.ok === true ? { name: choice.provider, source: choice.source } : null,
      key: keys.get(unit.id) ?? null,
    };
  });
  const path = graph.criticalPath();
  return {
    version: 1,
    source: input.source,
    configFile: configuration.file ?? null,
    specsDir: config.specs_dir,
    targetBranch: config.target_branch ?? null,
    parallelism: config.parallelism,
    runnable: problems.counts.error === 0,
    units: [...fit, ...discovery.broken.map(describeBroken)].sort((a, b) => compareText(a.id, b.id)),
    waves,
    criticalPath: { units: [...path.ids], tasks: path.weight },
    setup: config.worktree.setup.map((each) => ({ command: each.command, if: each.if ?? null })),
    baselineChecks: config.baseline_checks.map((each) => ({
      name: each.name,
      command: each.command,
      pattern: each.pattern ?? null,
    })),
    verify: config.verify,
    problems: describeProblems(problems),
  };
}

/** Problems in the format of the plan. */
function describeProblems({ counts, dropped, kept }: Problems): Plan['problems'] {
  return { errors: counts.error, warnings: counts.warning, notices: counts.notice, dropped, list: [...kept] };
}

/** Selects the unfinished units, or the named ones with their unfinished dependencies. */
function selectUnits({ units, broken }: Discovery, only: readonly string[] | undefined): readonly Unit[] {
  if (only === undefined) return units.filter((unit) => !isComplete(unit));
  const byId = new Map(units.map((unit) => [unit.id, unit]));
  const ids = new Set([...byId.keys(), ...broken.map((unit) => unit.id)]);
  const wanted = new Map<string, Unit>();
  const open = [...only];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (!ids.has(id))
      throw new ChooError('usage', `there is no unit \`${id}\``, {
        hint: suggestion(id, [...ids]) ?? '`choo plan` lists the units',
      });
    const unit = byId.get(id);
    if (unit === undefined || wanted.has(id)) continue;
    wanted.set(id, unit);
    for (const dependency of unit.dependsOn) {
      const needed = byId.get(dependency);
      if (needed !== undefined && !isComplete(needed)) open.push(dependency);
    }
  }
  return [...wanted.values()];
}

/** Finds the units that depend, directly or not, on one that cannot run. Linear. */
function findStuck(wanted: readonly Unit[], broken: readonly BrokenUnit[]): ReadonlySet<string> {
  const graph = new Graph(wanted.map(({ id, dependsOn }) => ({ id, dependsOn, weight: 0 })));
  const byId = new Map(wanted.map((unit) => [unit.id, unit]));
  const unfit = new Set(broken.map((unit) => unit.id));
  const stuck = new Set<string>();
  for (const id of graph.topologicalOrder()) {
    if (!byId.get(id)?.dependsOn.some((dependency) => unfit.has(dependency) || stuck.has(dependency)))
      continue;
    stuck.add(id);
  }
  return stuck;
}

/** A unit, runnable or not, as far as its provider is concerned. */
type Naming = Pick<Unit, 'id' | 'provider' | 'plan'>;

function chooseProviders(
  wanted: readonly Naming[],
  config: Config,
  input: PlanInput,
): ReadonlyMap<string, ProviderChoice> {
  const { candidates = {}, allowedProviders } = input;
  const configuration = config.provider.type;
  return new Map(
    wanted.map((unit) => [
      unit.id,
      chooseProvider({ ...candidates, unit: unit.provider, configuration }, allowedProviders),
    ]),
  );
}

/** The origin of a choice, as the end of a message; empty when a file shows it. */
const SOURCE_MESSAGES: Readonly<Record<ProviderSource, string>> = {
  forced: ', which was forced for the run',
  unit: '',
  request: ', which was requested',
  environment: ', which CHOO_PROVIDER names',
  configuration: '',
  default: ', which is the default',
};

/** Reports one problem for each unit that names an unavailable provider, and one for each other source that does. */
function providerProblems(
  wanted: readonly Naming[],
  providers: ReadonlyMap<string, ProviderChoice>,
  { configuration, missing }: Pick<PlanInput, 'configuration' | 'missing'>,
  specsDir: string,
): readonly Problem[] {
  const positionOf = (source: ProviderSource, unit: Naming): [file: string, at: Position] => {
    if (source === 'unit')
      return [unit.plan.path, unit.plan.frontMatter.fields.get('provider')?.value.at ?? FILE_START];
    if (source === 'configuration')
      return [configuration.file ?? specsDir, configuration.providerAt ?? FILE_START];
    return [specsDir, FILE_START];
  };
  const problems = new Map<string, Problem>();
  for (const unit of wanted) {
    const choice = providers.get(unit.id);
    const wrong = choice && describeChoice(choice, missing);
    if (choice === undefined || wrong === undefined) continue;
    const [file, { line, column }] = positionOf(choice.source, unit);
    problems.set(`${file} ${choice.source}`, { ...wrong, file, line, column, field: 'provider' });
  }
  return [...problems.values()];
}

/** What is wrong with a choice; undefined: nothing. */
function describeChoice(
  choice: ProviderChoice,
  missing: PlanInput['missing'],
): Omit<Problem, 'file' | 'line' | 'column'> | undefined {
  if (choice.ok) {
    const lack = missing?.get(choice.provider);
    return lack === undefined
      ? undefined
      : {
          severity: 'warning',
          code: 'provider-missing',
          message: `this server cannot start ${choice.provider}: ${lack.message}`,
          got: choice.provider,
          hint: `the operator has to change that before a run: ${lack.hint}`,
        };
  }
  const unknown = choice.reason === 'unknown';
  return {
    severity: 'error',
    code: unknown ? 'provider-unknown' : 'provider-forbidden',
    message:
      (unknown ? 'choo does not know this provider' : 'the operator does not allow this provider') +
      SOURCE_MESSAGES[choice.source],
    got: choice.got,
    ...(choice.hint === undefined ? {} : { hint: choice.hint }),
  };
}

function tasksLeft(unit: Unit): number {
  return unit.tasks.filter((task) => task.status !== 'complete').length;
}

function describe(
  unit: Unit,
): Pick<PlanUnit, 'id' | 'directory' | 'title' | 'status' | 'dependsOn' | 'tasks'> {
  return {
    id: unit.id,
    directory: unit.directory,
    title: unit.title,
    status: unit.status,
    dependsOn: [...unit.dependsOn],
    tasks: unit.tasks.map(({ number, title, file, status, gate, dependsOn, mayChange }) => ({
      number,
      title,
      file: file.path,
      status,
      gate,
      dependsOn: [...dependsOn],
      mayChange: [...mayChange],
    })),
  };
}

function describeBroken({ id, directory, dependsOn }: BrokenUnit): PlanUnit {
  return {
    id,
    directory,
    title: id,
    state: 'broken',
    status: null,
    wave: null,
    dependsOn: [...dependsOn],
    provider: null,
    key: null,
    tasks: [],
  };
}
