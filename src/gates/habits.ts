import { programOf, unwrap, type Words } from './words.ts';

/** What a command does that a gate should not. */
export type Habit =
  | 'watches'
  | 'passes-without-tests'
  | 'runs-no-tests'
  | 'ignores-failures'
  | 'needs-network';

/** A habit, by the program (empty: any) and the words it has. */
interface Rule {
  readonly habit: Habit;
  /** Names of programs, in a list with blanks; empty: any program that runs tests or lints. */
  readonly programs: string;
  /** What stands first behind the program, options left out. */
  readonly verb?: RegExp;
  /** What one of the words is. */
  readonly word?: RegExp;
  /** Words that take it back. */
  readonly unless?: RegExp;
}

const OFFLINE = /^--(?:offline|frozen-offline|no-index)$/;
/** An address on another machine. */
const REMOTE = /^(?:https?|ftp|ssh|git):\/\/(?!(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?:[:/]|$))/i;

const RULES: readonly Rule[] = [
  // Commands that do not end.
  { habit: 'watches', programs: '', word: /^--(?:watch|watchAll|watch-all)(?:=true)?$/ },
  { habit: 'watches', programs: 'tsc mocha ava vue-tsc', word: /^-w$/ },
  { habit: 'watches', programs: 'vitest', verb: /^(?:watch|dev)$/ },
  { habit: 'watches', programs: 'vitest playwright cypress', word: /^--ui$/ },
  { habit: 'watches', programs: 'cypress', verb: /^open$/ },
  { habit: 'watches', programs: 'cargo', verb: /^watch$/ },
  { habit: 'watches', programs: 'gradle gradlew', word: /^(?:-t|--continuous)$/ },
  { habit: 'watches', programs: 'nodemon ptw pytest-watch watchexec entr watch watchman-make guard' },
  { habit: 'watches', programs: 'npm pnpm yarn bun', verb: /^(?:start|dev|serve|watch)$/ },
  {
    habit: 'watches',
    programs: 'npm pnpm yarn bun',
    verb: /^run$/,
    word: /^(?:start|dev|serve|watch|(?:test|build):watch)$/,
  },
  { habit: 'watches', programs: 'next vite astro nuxt ng webpack', verb: /^(?:dev|serve|start|preview)$/ },
  { habit: 'watches', programs: 'tail journalctl', word: /^(?:-f|-F|--follow)$/ },
  { habit: 'watches', programs: 'rails', verb: /^(?:s|server)$/ },
  // Runners that pass when there is nothing to run.
  { habit: 'passes-without-tests', programs: '', word: /^--pass-?with-?no-?tests(?:=true)?$/i },
  { habit: 'passes-without-tests', programs: 'npm pnpm yarn bun', word: /^--if-present$/ },
  { habit: 'passes-without-tests', programs: '', word: /^--(?:allow-no-tests|no-tests=pass)$/ },
  // Runners that only list, or leave tests out.
  { habit: 'runs-no-tests', programs: 'jest', word: /^--(?:listTests|showConfig)$/ },
  { habit: 'runs-no-tests', programs: 'vitest', verb: /^list$/ },
  { habit: 'runs-no-tests', programs: 'playwright', word: /^--list$/ },
  { habit: 'runs-no-tests', programs: 'pytest py.test', word: /^--(?:collect-only|co|fixtures|markers)$/ },
  { habit: 'runs-no-tests', programs: 'cargo', verb: /^test$/, word: /^--no-run$/ },
  {
    habit: 'runs-no-tests',
    programs: 'rspec phpunit mocha make gradle gradlew rake',
    word: /^--(?:dry-run|just-print|recon|list-tests)$/,
  },
  { habit: 'runs-no-tests', programs: 'make', word: /^-n$/ },
  { habit: 'runs-no-tests', programs: 'gradle gradlew', word: /^-m$/ },
  {
    habit: 'runs-no-tests',
    programs: 'mvn mvnw gradle gradlew',
    word: /^-D(?:skipTests|maven\.test\.skip)(?:=true)?$/,
  },
  { habit: 'runs-no-tests', programs: 'dotnet', verb: /^test$/, word: /^(?:-t|--list-tests)$/ },
  { habit: 'runs-no-tests', programs: 'ctest', word: /^(?:-N|--show-only)$/ },
  // Programs that are told to succeed.
  { habit: 'ignores-failures', programs: '', word: /^--(?:exit-zero|issues-exit-code=0|suite-exit-code=0)$/ },
  { habit: 'ignores-failures', programs: 'make gmake', word: /^(?:-i|--ignore-errors)$/ },
  {
    habit: 'ignores-failures',
    programs: 'mvn mvnw',
    word: /^(?:-fn|--fail-never|-D(?:maven\.)?test(?:\.)?FailureIgnore(?:=true)?|-Dmaven\.test\.failure\.ignore(?:=true)?)$/i,
  },
  { habit: 'ignores-failures', programs: 'lerna nx', word: /^--no-bail$/ },
  { habit: 'ignores-failures', programs: 'rspec', word: /^--failure-exit-code=0$/ },
  // Gates have no network.
  {
    habit: 'needs-network',
    programs: 'npm',
    verb: /^(?:ci|i|install|install-ci-test|install-test|it|cit|add|update|up|audit|publish)$/,
    unless: OFFLINE,
  },
  {
    habit: 'needs-network',
    programs: 'pnpm bun',
    verb: /^(?:i|install|ci|add|update|up|audit)$/,
    unless: OFFLINE,
  },
  {
    habit: 'needs-network',
    programs: 'yarn',
    verb: /^(?:install|add|up|upgrade|audit|npm)$/,
    unless: OFFLINE,
  },
  { habit: 'needs-network', programs: 'pip pip3', verb: /^(?:install|download)$/, unless: OFFLINE },
  { habit: 'needs-network', programs: 'uv', verb: /^(?:sync|add|lock)$/, unless: OFFLINE },
  { habit: 'needs-network', programs: 'uv', verb: /^pip$/, word: /^(?:install|sync)$/, unless: OFFLINE },
  { habit: 'needs-network', programs: 'poetry pdm pipenv rye', verb: /^(?:install|add|update|lock|sync)$/ },
  { habit: 'needs-network', programs: 'bundle', verb: /^(?:install|update)$/, unless: /^--local$/ },
  { habit: 'needs-network', programs: 'gem', verb: /^(?:install|update)$/, unless: /^--local$/ },
  { habit: 'needs-network', programs: 'composer', verb: /^(?:install|update|require)$/ },
  {
    habit: 'needs-network',
    programs: 'cargo',
    verb: /^(?:install|fetch|update|add|publish|audit)$/,
    unless: OFFLINE,
  },
  { habit: 'needs-network', programs: 'go', verb: /^(?:get|install)$/ },
  { habit: 'needs-network', programs: 'go', verb: /^mod$/, word: /^(?:download|tidy)$/ },
  { habit: 'needs-network', programs: 'dotnet', verb: /^(?:restore|add)$/ },
  {
    habit: 'needs-network',
    programs: 'apt apt-get apk dnf yum brew',
    verb: /^(?:install|add|update|upgrade)$/,
  },
  { habit: 'needs-network', programs: 'git', verb: /^(?:clone|fetch|pull|push|ls-remote)$/ },
  { habit: 'needs-network', programs: 'docker podman', verb: /^(?:pull|push|build|run|compose|login)$/ },
  { habit: 'needs-network', programs: 'docker-compose' },
  { habit: 'needs-network', programs: 'curl wget http', word: REMOTE },
  { habit: 'needs-network', programs: 'ssh scp sftp' },
  { habit: 'needs-network', programs: 'gh', verb: /./ },
];
/** Of each program; under the empty name, those of any. */
const BY_PROGRAM = new Map<string, Rule[]>();
for (const rule of RULES)
  for (const program of rule.programs.split(' '))
    BY_PROGRAM.set(program, [...(BY_PROGRAM.get(program) ?? []), rule]);
/** `npx --yes cowsay` fetches what it runs. */
const FETCHES = /^(?:-y|--yes)$/;

/** What a simple command does that a gate should not; each habit once. */
export function habitsOf(words: Words): readonly Habit[] {
  const first = programOf(words);
  const inner = unwrap(words);
  const found = new Set<Habit>();
  if ((first === 'npx' || first === 'bunx') && words.some((word) => FETCHES.test(word ?? '')))
    found.add('needs-network');
  if (first === 'pnpm' && words[1] === 'dlx') found.add('needs-network');
  const candidates = inner === words ? [words] : [words, inner];
  for (const own of candidates)
    for (const rule of [...(BY_PROGRAM.get(programOf(own)) ?? []), ...(BY_PROGRAM.get('') ?? [])])
      if (matches(rule, own)) found.add(rule.habit);
  return [...found];
}

function matches({ programs, verb, word, unless }: Rule, words: Words): boolean {
  const rest = words.slice(1);
  if (verb !== undefined && !verb.test(rest.find((each) => each?.startsWith('-') !== true) ?? ''))
    return false;
  if (word !== undefined && !rest.some((each) => each !== undefined && word.test(each))) return false;
  if (unless !== undefined && rest.some((each) => each !== undefined && unless.test(each))) return false;
  return programs !== '' || word !== undefined;
}
