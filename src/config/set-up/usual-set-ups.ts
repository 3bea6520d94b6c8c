/** A command of `worktree.setup`. */
export interface SetUpCommand {
  readonly command: string;
  /** Undefined: it may read any file. */
  readonly inputs?: readonly string[];
}

/** The usual set-up of an ecosystem. */
interface UsualSetUp extends Required<SetUpCommand> {
  /** The file that tells it, in the project directory. */
  readonly file: string;
}

/**
 * By the file that tells the ecosystem, each group's most exact first: of a group only one is used. Inputs name everything that
 * the command reads by itself; what a project's own scripts read besides must be added.
 */
const GROUPS: readonly (readonly UsualSetUp[])[] = [
  [
    usual('pnpm-lock.yaml', 'corepack pnpm install --frozen-lockfile', [
      '**/package.json',
      'pnpm-workspace.yaml',
      '**/.npmrc',
    ]),
    usual('yarn.lock', 'corepack yarn install --immutable', [
      '**/package.json',
      '.yarnrc.yml',
      '.yarnrc',
      '**/.npmrc',
    ]),
    usual('bun.lock', 'bun install --frozen-lockfile', ['**/package.json', 'bunfig.toml', '**/.npmrc']),
    usual('package-lock.json', 'npm ci', ['**/package.json', '**/.npmrc']),
    usual('package.json', 'npm install', ['**/package.json', '**/.npmrc']),
  ],
  [
    usual('uv.lock', 'uv sync --frozen', ['**/pyproject.toml', 'uv.toml', '.python-version']),
    usual('poetry.lock', 'poetry install', ['pyproject.toml', 'poetry.toml']),
    usual('requirements.txt', 'python3 -m venv .venv && .venv/bin/pip install -r requirements.txt', [
      'requirements*.txt',
      'constraints*.txt',
      'pip.conf',
    ]),
  ],
  [usual('go.mod', 'go mod download', ['**/go.mod', '**/go.sum', 'go.work', 'go.work.sum'])],
  [
    usual('Cargo.toml', 'cargo fetch', [
      '**/Cargo.toml',
      'Cargo.lock',
      '.cargo/config.toml',
      'rust-toolchain*',
    ]),
  ],
  [
    usual('Gemfile', 'bundle install', [
      'Gemfile',
      'Gemfile.lock',
      '.bundle/config',
      '.ruby-version',
      '*.gemspec',
    ]),
  ],
  [usual('composer.json', 'composer install', ['composer.json', 'composer.lock', 'auth.json'])],
  [usual('mix.exs', 'mix deps.get', ['**/mix.exs', 'mix.lock', 'config/**'])],
];

function usual(file: string, command: string, inputs: readonly string[]): UsualSetUp {
  return { file, command, inputs: [...new Set([file, ...inputs])] };
}

/** Scripts of a `package.json` that installing runs, and that may read any file. */
const INSTALL_SCRIPTS = [
  'preinstall',
  'install',
  'postinstall',
  'prepublish',
  'preprepare',
  'prepare',
  'postprepare',
];

/**
 * The usual set-up of a project, by what stands in its directory. Without inputs where a script of its own runs, too: nobody knows
 * what that reads. `read` returns a file's text.
 */
export function usualSetUps(read: (file: string) => string | undefined): readonly SetUpCommand[] {
  return GROUPS.flatMap((group) => {
    const found = group.find(({ file }) => read(file) !== undefined);
    if (found === undefined) return [];
    const { command, inputs } = found;
    const isOpen = inputs.includes('**/package.json') && runsScripts(read('package.json') ?? '');
    return isOpen ? { command } : { command, inputs };
  });
}

function runsScripts(manifest: string): boolean {
  try {
    const { scripts = {} } = JSON.parse(manifest) as { readonly scripts?: Readonly<Record<string, unknown>> };
    return INSTALL_SCRIPTS.some((name) => Object.hasOwn(scripts, name));
  } catch {
    return true; // nobody knows
  }
}
