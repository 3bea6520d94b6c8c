import { dirname, join } from 'node:path';
import { PROJECT } from '../sandbox.ts';
import { addressesOf, addressOf, namesOf, proxyOf } from './address.ts';
import { cargoSettings, cargoVariables } from './settings/cargo.ts';
import { mavenSettings } from './settings/maven.ts';
import { npmSettings, npmVariables } from './settings/npm.ts';
import { goVariables, gradleVariables, pipVariables, uvVariables } from './settings/variables.ts';
import { bundlerSettings, yarnSettings } from './settings/yaml-files.ts';

/** Variables by name. */
export type Variables = Readonly<Record<string, string>>;
/** The variables of choo's own process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A value without what may be a credential; undefined: it must be left out. */
export type Reader = (value: string) => string | undefined;

/** How each variable of a tool is read. Those with a name that a shell cannot set are in files alone. */
export const REGISTRY_VARIABLES: Readonly<Record<string, Reader>> = {
  npm_config_registry: addressOf,
  NPM_CONFIG_REGISTRY: addressOf,
  npm_config_proxy: proxyOf,
  npm_config_https_proxy: proxyOf,
  npm_config_noproxy: namesOf,
  COREPACK_NPM_REGISTRY: addressOf,
  YARN_REGISTRY: addressOf,
  YARN_NPM_REGISTRY_SERVER: addressOf,
  YARN_HTTP_PROXY: proxyOf,
  YARN_HTTPS_PROXY: proxyOf,
  PIP_INDEX_URL: addressOf,
  PIP_EXTRA_INDEX_URL: addressesOf,
  PIP_TRUSTED_HOST: namesOf,
  PIP_PROXY: proxyOf,
  UV_INDEX_URL: addressOf,
  UV_DEFAULT_INDEX: addressOf,
  UV_INDEX: addressesOf,
  UV_EXTRA_INDEX_URL: addressesOf,
  UV_NATIVE_TLS: namesOf,
  UV_SYSTEM_CERTS: namesOf,
  CARGO_REGISTRY_DEFAULT: namesOf,
  CARGO_HTTP_PROXY: proxyOf,
  GOPROXY: addressesOf,
  GOSUMDB: namesOf,
  GOPRIVATE: namesOf,
  GONOPROXY: namesOf,
  GONOSUMDB: namesOf,
};
/** Variables with a name of the person's in them. */
export const REGISTRY_PATTERNS: readonly (readonly [RegExp, Reader])[] = [
  [/^CARGO_REGISTRIES_[A-Z0-9_]{1,64}_INDEX$/, addressOf],
];

/** Where a machine has the settings of a tool, and what of them becomes variables or a file. */
export interface SettingsFile {
  readonly paths: (environment: Environment, home: string, system: string) => readonly string[];
  readonly variables?: (text: string) => Variables;
  /** A tool reads the file inside at this place, without a variable or because of one. */
  readonly file?: {
    readonly at: string;
    readonly read: (text: string) => string;
    readonly told?: Variables;
  };
}

/** The directory of choo inside, above the project: cargo and yarn read settings there, too. */
const ABOVE = dirname(PROJECT);
const SETTINGS = join(ABOVE, 'settings');
export const NPMRC = join(SETTINGS, 'npmrc');
const BUNDLE = join(SETTINGS, 'bundle');
const MAVEN = join(SETTINGS, 'maven.xml');

const CONFIG = ({ XDG_CONFIG_HOME }: Environment, home: string): string =>
  XDG_CONFIG_HOME ?? join(home, '.config');

/** One entry for each tool. Of several files that are there, a later one wins. */
export const SETTINGS_FILES: readonly SettingsFile[] = [
  {
    // What npm was told for everybody and for this person stands below what the project says. pnpm, yarn 1 and bun read it, too.
    paths: (environment, home, system) => [
      environment['npm_config_globalconfig'] ?? join(system, 'npmrc'),
      join(CONFIG(environment, home), 'pnpm/rc'),
      environment['npm_config_userconfig'] ?? environment['NPM_CONFIG_USERCONFIG'] ?? join(home, '.npmrc'),
    ],
    variables: npmVariables,
    file: { at: NPMRC, read: npmSettings, told: { NPM_CONFIG_GLOBALCONFIG: NPMRC } },
  },
  {
    paths: (_, home) => [join(home, '.yarnrc.yml')],
    file: { at: join(ABOVE, '.yarnrc.yml'), read: yarnSettings },
  },
  {
    paths: (environment, home, system) => [
      join(system, 'pip.conf'),
      join(home, '.pip/pip.conf'),
      join(CONFIG(environment, home), 'pip/pip.conf'),
      environment['PIP_CONFIG_FILE'] ?? '',
    ],
    variables: pipVariables,
  },
  {
    paths: (environment, home) => [
      environment['UV_CONFIG_FILE'] ?? join(CONFIG(environment, home), 'uv/uv.toml'),
    ],
    variables: uvVariables,
  },
  {
    paths: ({ CARGO_HOME }, home) => {
      const directory = CARGO_HOME ?? join(home, '.cargo');
      return [join(directory, 'config.toml'), join(directory, 'config')];
    },
    variables: cargoVariables,
    file: { at: join(ABOVE, '.cargo/config.toml'), read: cargoSettings },
  },
  {
    paths: (environment, home) => [environment['GOENV'] ?? join(CONFIG(environment, home), 'go/env')],
    variables: goVariables,
  },
  {
    paths: (_, home) => [join(home, '.m2/settings.xml')],
    file: { at: MAVEN, read: mavenSettings, told: { MAVEN_ARGS: `--global-settings ${MAVEN}` } },
  },
  {
    paths: ({ GRADLE_USER_HOME }, home) => [
      join(GRADLE_USER_HOME ?? join(home, '.gradle'), 'gradle.properties'),
    ],
    variables: gradleVariables,
  },
  {
    paths: (environment, home) => [environment['BUNDLE_USER_CONFIG'] ?? join(home, '.bundle/config')],
    file: { at: BUNDLE, read: bundlerSettings, told: { BUNDLE_USER_CONFIG: BUNDLE } },
  },
];
