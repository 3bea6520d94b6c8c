import { dirname, join } from 'node:path';
import { PROJECT } from '../sandbox.ts';
import type { Environment, Variables } from './registries.ts';

/** Something of the machine that sandboxes show read-only. */
export interface Shown {
  readonly path: string;
  /** Where, if not at the same path. */
  readonly at?: string;
  /** It is a link there, to this path. */
  readonly linkTo?: string;
}

/** How one version manager or installation is recognised and shown. */
interface Toolchain {
  readonly name: string;
  /** Where it may be; `directory` is the one of the PATH. */
  readonly roots: (environment: Environment, home: string, directory: string) => readonly string[];
  /** What is shown of it: never settings that may hold a credential, nor what it downloads. */
  readonly parts: readonly string[];
  readonly variables?: (root: string, environment: Environment, home: string) => Variables;
  /** What it needs elsewhere. */
  readonly others?: (environment: Environment, home: string) => readonly Shown[];
}

/** Where asdf looks for versions that are not the project's. */
const VERSIONS = join(dirname(PROJECT), '.tool-versions');

const at =
  (variable: string, ...paths: readonly string[]): Toolchain['roots'] =>
  (environment, home) => [
    ...(environment[variable] ? [environment[variable]] : []),
    ...paths.map((path) => (path.startsWith('/') ? path : join(home, path))),
  ];

const rustup = ({ RUSTUP_HOME }: Environment, home: string): string => RUSTUP_HOME || join(home, '.rustup');

/** The part of the directory that a pattern matches: `/opt/a/b/bin` belongs to `/opt/a`. */
const below =
  (pattern: RegExp): Toolchain['roots'] =>
  (_, __, directory) => {
    const [root] = pattern.exec(directory) ?? [];
    return root === undefined ? [] : [root];
  };

/** One line for each. The first that fits a directory of the PATH counts. */
export const TOOLCHAINS: readonly Toolchain[] = [
  {
    name: 'nvm',
    roots: at('NVM_DIR', '.nvm', '.config/nvm'),
    parts: ['versions', 'alias', 'nvm.sh', 'nvm-exec'],
    variables: (root) => ({ NVM_DIR: root }),
  },
  {
    name: 'fnm',
    roots: at('FNM_DIR', '.local/share/fnm', '.fnm'),
    parts: ['node-versions', 'aliases'],
    variables: (root) => ({ FNM_DIR: root }),
  },
  {
    name: 'volta',
    roots: at('VOLTA_HOME', '.volta'),
    parts: ['bin', 'tools', 'layout.v4'],
    variables: (root) => ({ VOLTA_HOME: root }),
  },
  {
    name: 'pyenv',
    roots: at('PYENV_ROOT', '.pyenv'),
    parts: ['bin', 'libexec', 'shims', 'versions', 'version', 'pyenv.d'],
    variables: (root) => ({ PYENV_ROOT: root }),
  },
  {
    name: 'rbenv',
    roots: at('RBENV_ROOT', '.rbenv'),
    parts: ['bin', 'libexec', 'shims', 'versions', 'version', 'rbenv.d'],
    variables: (root) => ({ RBENV_ROOT: root }),
  },
  {
    name: 'rustup and cargo',
    roots: at('CARGO_HOME', '.cargo'),
    parts: ['bin'],
    variables: (_, environment, home) => ({ RUSTUP_HOME: rustup(environment, home) }),
    others: (environment, home) =>
      ['toolchains', 'settings.toml', 'update-hashes'].map((part) => ({
        path: join(rustup(environment, home), part),
      })),
  },
  {
    name: 'Go',
    roots: (environment, home, directory) => [
      ...below(/^\/.*\/sdk\/go[^/]+(?=\/bin$)/)(environment, home, directory),
      ...at('GOROOT', '.go', '.local/go')(environment, home, directory),
    ],
    parts: ['bin', 'go.env', 'lib', 'misc', 'pkg', 'src', 'VERSION'],
  },
  { name: 'programs that Go installed', roots: at('GOPATH', 'go'), parts: ['bin'] },
  {
    name: 'sdkman',
    roots: at('SDKMAN_DIR', '.sdkman'),
    parts: ['candidates'],
    variables: (root) => ({ SDKMAN_DIR: root }),
  },
  {
    name: 'asdf',
    roots: at('ASDF_DATA_DIR', '.asdf'),
    parts: ['bin', 'lib', 'asdf.sh', 'shims', 'installs', 'plugins', 'defaults'],
    variables: (root) => ({ ASDF_DATA_DIR: root, ASDF_DIR: root }),
    others: (_, home) => [{ path: join(home, '.tool-versions'), at: VERSIONS }],
  },
  {
    name: 'mise',
    roots: at('MISE_DATA_DIR', '.local/share/mise'),
    parts: ['shims', 'installs', 'plugins'],
    variables: (root) => ({ MISE_DATA_DIR: root }),
    others: (_, home) => [{ path: join(home, '.tool-versions'), at: VERSIONS }],
  },
  { name: 'bun', roots: at('BUN_INSTALL', '.bun'), parts: ['bin'] },
  { name: 'deno', roots: at('DENO_INSTALL', '.deno'), parts: ['bin'] },
  {
    name: 'pnpm',
    roots: at('PNPM_HOME', '.local/share/pnpm'),
    parts: ['pnpm', 'pnpx', '.tools', 'bin', 'global'],
  },
  {
    name: '.NET',
    roots: at('DOTNET_ROOT', '.dotnet'),
    parts: ['dotnet', 'host', 'packs', 'sdk', 'sdk-manifests', 'shared', 'templates'],
    variables: (root) => ({ DOTNET_ROOT: root }),
  },
  {
    name: 'conda',
    roots: at('', 'miniforge3', 'miniconda3', 'anaconda3'),
    parts: ['bin', 'condabin', 'envs', 'include', 'lib', 'libexec', 'share', 'ssl', 'sysroot'],
  },
  {
    name: 'Homebrew',
    roots: at('HOMEBREW_PREFIX', '/home/linuxbrew/.linuxbrew', '.linuxbrew'),
    parts: ['bin', 'sbin', 'Cellar', 'opt', 'lib', 'libexec', 'include', 'share', 'Frameworks'],
    variables: (root) => ({ HOMEBREW_PREFIX: root, HOMEBREW_CELLAR: join(root, 'Cellar') }),
  },
  { name: '/opt', roots: below(/^\/opt\/[^/]+/), parts: [''] },
];
