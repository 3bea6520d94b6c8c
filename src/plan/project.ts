import { type ConfigFile, type LoadedConfig, loadConfig, MAX_CONFIG_BYTES } from '../config/load.ts';
import { CONFIG_FILES, DEFAULT_CONFIG } from '../config/schema.ts';
import { type DiscoveryCache } from '../discovery/discovery-cache.ts';
import { discover, type Discovery } from '../discovery/discovery.ts';
import type { SpecTree } from '../discovery/tree.ts';
import type { Problem } from '../problems/problem.ts';
import { findAbsentFiles } from './absent-files.ts';

/** A project: its configuration and its units. */
export interface Project {
  readonly configuration: LoadedConfig;
  readonly discovery: Discovery;
  /** Files that a gate would not find. */
  readonly absent: readonly Problem[];
}

/** Reads a project's configuration and its specs from the configured directory, or the default one if it is broken. */
export async function readProject(tree: SpecTree, cache?: DiscoveryCache): Promise<Project> {
  const configuration = await readConfiguration(tree);
  const specsDir = configuration.config?.specs_dir ?? configuration.specsDir ?? DEFAULT_CONFIG.specs_dir;
  const absent = await findAbsentFiles(tree);
  return { configuration, discovery: await discover(tree, specsDir, cache), absent };
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
