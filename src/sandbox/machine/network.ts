import { readFile } from 'node:fs/promises';
import { addressOf, namesOf, proxyOf } from './address.ts';
import {
  type Environment,
  type Reader,
  REGISTRY_PATTERNS,
  REGISTRY_VARIABLES,
  SETTINGS_FILES,
  type SettingsFile,
  type Variables,
} from './registries.ts';
import { readTrustedDirectories, readTrustedFile } from './trusted-files.ts';

/** What commands with a network need on this machine to reach it. */
export interface Network {
  readonly variables: Variables;
  /** Those of them that are set here, for a place where tools find their own settings. */
  readonly own: Variables;
  /** Settings of tools by their place inside, with the text of each. */
  readonly files: Readonly<Record<string, string>>;
  /** Files of certificates, shown at the same path. */
  readonly readable: readonly string[];
  /** What was left out, by the variable or the file, and why, as the end of a sentence. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/** A machine that reaches its network by nothing of its own. */
export const OPEN_NETWORK: Network = { variables: {}, own: {}, files: {}, readable: [], leftOut: new Map() };

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
const CERTIFICATES = [
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'CARGO_HTTP_CAINFO',
];

/**
 * What this machine's commands need to reach its network, as the person who runs choo has set it: proxies, certificates, and
 * the addresses of registries, in variables and in the settings of tools, where there is a home. Addresses alone, never credentials. Everything that a
 * command gets to reach the network comes from here.
 */
export async function findNetwork(
  environment: Environment,
  { home, system = '/etc' }: { readonly home?: string | undefined; readonly system?: string } = {},
): Promise<Network> {
  const variables: Record<string, string> = {};
  const files: Record<string, string> = {};
  const readable = new Set<string>();
  const leftOut = new Map<string, string>();
  const take = (name: string, value: string | undefined, read: Reader): void => {
    if (value === undefined || value === '') return;
    const kept = read(value);
    if (kept === undefined) leftOut.set(name, 'may hold a credential or is no address');
    else variables[name] = kept;
  };

  if (home !== undefined) {
    for (const settings of SETTINGS_FILES) {
      const found = await readSettings(settings, settings.paths(environment, home, system), leftOut);
      for (const [name, value] of Object.entries(found.variables))
        if (CERTIFICATES.includes(name) || name === 'GRADLE_OPTS') variables[name] = value;
        else take(name, value, REGISTRY_VARIABLES[name] ?? addressOf);
      if (settings.file === undefined || found.text === '') continue;
      files[settings.file.at] = found.text;
      Object.assign(variables, settings.file.told);
    }
  }
  for (const [name, value] of Object.entries(environment)) {
    const read = REGISTRY_VARIABLES[name] ?? REGISTRY_PATTERNS.find(([pattern]) => pattern.test(name))?.[1];
    if (read !== undefined) take(name, value, read);
  }
  for (const [name, read] of [
    ...PROXIES.map((each) => [each, proxyOf] as const),
    ['NO_PROXY', namesOf] as const,
  ]) {
    const [upper, lower] = [environment[name], environment[name.toLowerCase()]];
    take(name, upper || lower, read);
    take(name.toLowerCase(), lower || upper, read);
  }
  // For what Node itself fetches, as corepack does.
  if (PROXIES.some((name) => variables[name] !== undefined)) variables['NODE_USE_ENV_PROXY'] = '1';

  for (const name of [...CERTIFICATES, 'SSL_CERT_DIR']) {
    const value = environment[name] || variables[name];
    delete variables[name];
    if (value === undefined || value === '') continue;
    const trusted =
      name === 'SSL_CERT_DIR' ? await readTrustedDirectories(value) : await readTrustedFile(value);
    if ('refusal' in trusted) {
      leftOut.set(name, trusted.refusal);
      continue;
    }
    variables[name] = value;
    for (const path of trusted.show) readable.add(path);
  }
  const isSet = (name: string): boolean => Boolean(environment[name] || environment[name.toUpperCase()]);
  const own = Object.entries(variables).filter(([name]) => isSet(name) && !leftOut.has(name));
  return { variables, own: Object.fromEntries(own), files, readable: [...readable], leftOut };
}

/** What the files of a tool come to. A file that cannot be read as what it is counts as not there, and is named. */
async function readSettings(
  { variables, file }: SettingsFile,
  paths: readonly string[],
  leftOut: Map<string, string>,
): Promise<{ readonly variables: Variables; readonly text: string }> {
  const found: Record<string, string> = {};
  let text = '';
  for (const path of paths) {
    const content = path === '' ? undefined : await readFile(path, 'utf8').catch(() => undefined);
    if (content === undefined) continue;
    try {
      Object.assign(found, variables?.(content));
      text = joinTexts(text, file?.read(content) ?? '', path);
    } catch {
      leftOut.set(path, 'cannot be read as what it should be');
    }
  }
  return { variables: found, text };
}

/** Lines of an ini file can follow each other; of all others the last one counts. */
function joinTexts(before: string, text: string, path: string): string {
  if (text === '') return before;
  return path.endsWith('rc') ? before + text : text;
}
