/** A tool that fetches packages. */
export interface Fetcher {
  /** The programs that fetch as it does: a word of a command names them. */
  readonly programs: readonly string[];
  /** Where it fetches from unless it is told otherwise. */
  readonly standard: string;
  /** The variable, or the key of npm's settings, that tells. */
  readonly told: string;
  /** Files of a project, from its directory, that may name a registry of its own. */
  readonly own: readonly string[];
  /** The variables that name certificates which it trusts, the first one for people. */
  readonly trust: readonly string[];
  /** Whether it trusts what the system trusts; undefined: it has its own store, which no variable here names. */
  readonly system: boolean | undefined;
}

/** The tools that are known, for {@link findNoWayOut}. */
const FETCHERS: readonly Fetcher[] = [
  {
    programs: ['npm', 'npx', 'pnpm', 'yarn', 'bun', 'corepack'],
    standard: 'https://registry.npmjs.org/',
    told: 'npm_config_registry',
    own: ['.npmrc', '.yarnrc.yml', '.yarnrc', 'bunfig.toml'],
    trust: ['NODE_EXTRA_CA_CERTS'],
    system: false,
  },
  {
    programs: ['pip', 'pip3', 'pipx', 'poetry', 'pdm', 'pipenv'],
    standard: 'https://pypi.org/simple/',
    told: 'PIP_INDEX_URL',
    own: ['requirements.txt', 'Pipfile', 'pyproject.toml'],
    trust: ['PIP_CERT', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'],
    system: true,
  },
  {
    programs: ['uv', 'uvx'],
    standard: 'https://pypi.org/simple/',
    told: 'UV_DEFAULT_INDEX',
    own: ['uv.toml', 'pyproject.toml'],
    trust: ['SSL_CERT_FILE'],
    system: false,
  },
  {
    programs: ['cargo'],
    standard: 'https://index.crates.io/config.json',
    told: '',
    own: ['.cargo/config.toml'],
    trust: ['CARGO_HTTP_CAINFO', 'SSL_CERT_FILE'],
    system: true,
  },
  {
    programs: ['go'],
    standard: 'https://proxy.golang.org/',
    told: 'GOPROXY',
    own: [],
    trust: ['SSL_CERT_FILE'],
    system: true,
  },
  {
    programs: ['mvn', 'mvnw', 'gradle', 'gradlew'],
    standard: 'https://repo.maven.apache.org/maven2/',
    told: '',
    own: ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'],
    trust: [],
    system: undefined,
  },
  {
    programs: ['bundle', 'bundler', 'gem'],
    standard: 'https://rubygems.org/',
    told: '',
    own: ['Gemfile'],
    trust: ['SSL_CERT_FILE'],
    system: true,
  },
];

/** The tools that a command names, each with the word. */
export function fetchersOf(command: string): readonly { readonly word: string; readonly fetcher: Fetcher }[] {
  const words = command.split(/[\s;&|()<>"'`$={}]+/).map((word) => word.slice(word.lastIndexOf('/') + 1));
  return FETCHERS.flatMap((fetcher) => {
    const word = words.find((each) => fetcher.programs.includes(each));
    return word === undefined ? [] : [{ word, fetcher }];
  });
}
