import { type ConfigFile, type LoadedConfig, loadConfig, MAX_CONFIG_BYTES } from '../config/load.ts';
import { CONFIG_FILES, type Config, DEFAULT_CONFIG } from '../config/schema.ts';
import { type DiscoveryCache } from '../discovery/discovery-cache.ts';
import { discover, type Discovery, discoverNothing } from '../discovery/discovery.ts';
import { discoverFormat } from '../discovery/formats/discover-format.ts';
import { findFormats } from '../discovery/formats/find-formats.ts';
import { FORMATS, type FormatName } from '../discovery/formats/formats.ts';
import { isOfFormat, sourceRoot } from '../config/spec-sources.ts';
import type { ListedGate } from '../discovery/formats/keep-tasks.ts';
import type { SpecTree } from '../discovery/tree.ts';
import { collectProblems, compareText, FILE_START, joinProblems, type Problem } from '../problems/problem.ts';
import { findAbsentFiles } from './absent-files.ts';
import { findOpenWorkflows } from './workflow-problems.ts';

/** A project: its configuration and its units. */
export interface Project {
  readonly configuration: LoadedConfig;
  readonly discovery: Discovery;
  /** Files that a gate would not find, and workflows that give secrets to what nobody has read. */
  readonly absent: readonly Problem[];
}

/** Reads a project's configuration and its specs from the configured directory, or the default one if it is broken. */
export async function readProject(tree: SpecTree, cache?: DiscoveryCache): Promise<Project> {
  const configuration = await readConfiguration(tree);
  const specsDir = configuration.config?.specs_dir ?? configuration.specsDir ?? DEFAULT_CONFIG.specs_dir;
  const checkout = configuration.config?.checkout ?? DEFAULT_CONFIG.checkout;
  const absent = [...(await findAbsentFiles(tree, checkout)), ...(await findOpenWorkflows(tree))];
  const own = await discover(tree, specsDir, cache);
  const discovery = await withFormats(tree, own, configuration.config);
  const problems = collectProblems(await findExcess(tree), discovery.problems);
  return { configuration, discovery: { ...discovery, problems }, absent };
}

/** Adds the units of other tools that the configuration names; else says what there is of them where there is nothing else. */
async function withFormats(tree: SpecTree, own: Discovery, config: Config | undefined): Promise<Discovery> {
  const isMissing = own.problems.kept.length === 1 && own.problems.kept[0]?.code === 'tree-missing';
  const specsDir = config?.specs_dir;
  const sources = (config?.specs ?? []).filter((each) => sourceRoot(each, specsDir ?? '') !== specsDir);
  if (sources.length === 0) {
    const found = isMissing ? await findFormats(tree) : [];
    return found.length === 0 ? own : nameFound(found);
  }
  const units = [...own.units];
  const broken = [...own.broken];
  const gates: ListedGate[] = [];
  let problems = isMissing ? collectProblems([]) : own.problems;
  for (const source of sources) {
    const taken = new Set([...units, ...broken].map(({ id }) => id.toLowerCase()));
    if (!isOfFormat(source)) {
      const found = withoutTaken(await discover(tree, sourceRoot(source, '')), taken);
      units.push(...found.units);
      broken.push(...found.broken);
      problems = joinProblems(problems, found.problems);
      continue;
    }
    const found = await discoverFormat(tree, source, { defaultGate: config?.default_gate, taken });
    units.push(...found.units);
    broken.push(...found.broken);
    gates.push(...found.gates);
    problems = collectProblems(found.problems, problems);
  }
  return { units: units.sort(byId), broken: broken.sort(byId), problems, gates };
}

/** Leaves out units whose id is taken by one of another source, which is told. */
function withoutTaken(found: Discovery, taken: ReadonlySet<string>): Discovery {
  const isTaken = ({ id }: { readonly id: string }): boolean => taken.has(id.toLowerCase());
  const problems = [...found.units, ...found.broken].filter(isTaken).map(({ id, directory }): Problem => ({
    severity: 'error',
    code: 'format-duplicate',
    message: `there is another unit \`${id}\``,
    file: directory,
    ...FILE_START,
    got: id,
    hint: 'give this one another name',
  }));
  return {
    units: found.units.filter((unit) => !isTaken(unit)),
    broken: found.broken.filter((unit) => !isTaken(unit)),
    problems: collectProblems(problems, found.problems),
  };
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return compareText(a.id, b.id);
}

/** Names the task lists of other tools, and what goes on with them, where there is no spec tree. */
function nameFound(found: readonly FormatName[]): Discovery {
  const lists = found.map((name) => `${FORMATS[name].title} in \`${FORMATS[name].standardPath}\``);
  const entries = found.map((name) => `{ from: ${name}, path: ${FORMATS[name].standardPath} }`);
  const line = entries.length === 1 ? entries.join('') : `[${entries.join(', ')}]`;
  return discoverNothing({
    severity: 'error',
    code: 'format-found',
    message: `there is no spec tree here, but there are task lists of ${lists.join(', and of ')}`,
    file: FORMATS[found[0] ?? 'openspec'].standardPath,
    ...FILE_START,
    hint: `to plan and run them as they are, write \`specs: ${line}\` to \`.choo.yml\``,
  });
}

/** Finds that no worktree can be made of a commit. */
async function findExcess(tree: SpecTree): Promise<readonly Problem[]> {
  const excess = await tree.excess?.();
  if (excess === undefined) return [];
  const hint = 'remove what no unit needs, or move it to a repository of its own';
  const message = `it ${excess}`;
  return [{ severity: 'error', code: 'repository-too-large', message, file: '', ...FILE_START, hint }];
}

/** Reads only the configuration of a tree. */
export async function readConfiguration(tree: SpecTree): Promise<LoadedConfig> {
  return loadConfig(await readConfigFiles(tree));
}

async function readConfigFiles(tree: SpecTree): Promise<readonly ConfigFile[]> {
  const wanted: readonly string[] = CONFIG_FILES;
  const listings = await tree.list(['', '.github']);
  const [root] = listings;
  // The root cannot be listed, so a configuration may exist: report it as unreadable instead of using the defaults.
  if (typeof root === 'string' && root !== 'missing')
    return [{ path: CONFIG_FILES[0], size: 0, content: undefined }];
  const entries = listings
    .flatMap((listing) => (typeof listing === 'string' ? [] : listing))
    .filter((entry) => wanted.includes(entry.path));
  entries.sort((a, b) => wanted.indexOf(a.path) - wanted.indexOf(b.path));
  const readable = entries.filter((entry) => entry.kind === 'file' && entry.size <= MAX_CONFIG_BYTES);
  const contents = await tree.read(readable);
  return entries.map((entry) => ({
    path: entry.path,
    size: entry.size,
    content: contents[readable.indexOf(entry)],
  }));
}
