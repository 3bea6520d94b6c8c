/** Programs that look at files and do not run them: to change what they look at is the work. */
export const LOOKING = new Set(
  (
    '[ ag biome black cc clang clang-format clang-tidy cppcheck egrep eslint fgrep flake8 g++ gcc gofmt golint grep hadolint isort ' +
    'javac jsonlint ls markdownlint markdownlint-cli2 mypy oxfmt oxlint phpcs phpstan prettier psalm pylint pyright rg rubocop ruff ' +
    'rustc rustfmt shellcheck standard stat standardrb stylelint test tsc tsgo vale wc xo yamllint'
  ).split(' '),
);
/** Options behind which a file stands that decides what a program does. */
export const CONFIGURES =
  /^(?:-c|-C|-f|-p|-r|--(?:config|conf|file|import|loader|require|rcfile|rules|rulesdir|setup-files?|project|preload|script|settings|tsconfig)(?:-file|-path)?)$/;
/** Programs whose first operand is what they run. */
export const INTERPRETERS = new Set(
  'bash bun dash deno julia ksh lua node nodejs perl php pwsh pypy3 python python2 python3 Rscript ruby sh source . ts-node tsx zsh'.split(
    ' ',
  ),
);
/** Programs whose operands are tests. */
export const RUNNERS = new Set(
  (
    'ava bats behave busted c8 cucumber cucumber-js cypress jasmine jest karma mocha nose2 nyc phpunit playwright prove py.test pytest ' +
    'rspec tap tape uvu vitest'
  ).split(' '),
);
/** Programs that look for modules of Python. */
export const PYTHON = /^(?:python[\d.]*|pypy3?|py\.test|pytest|nose2|tox|nox|behave)$/;
/** Shells whose input may be a script. */
export const SHELL = /^(?:ba|da|k|z)?sh$/;

/** Variables whose values are options or files that programs load before they begin. */
export const LOADING_VARIABLES: ReadonlySet<string> = new Set([
  'BASH_ENV',
  'JAVA_TOOL_OPTIONS',
  'LD_PRELOAD',
  'NODE_OPTIONS',
  'PERL5OPT',
  'PYTEST_ADDOPTS',
  'PYTHONSTARTUP',
  'RUBYOPT',
]);

/** Variables whose values are directories in which programs look for modules. */
export const SEARCH_VARIABLES: ReadonlySet<string> = new Set([
  'NODE_PATH',
  'PERL5LIB',
  'PYTHONPATH',
  'RUBYLIB',
]);
