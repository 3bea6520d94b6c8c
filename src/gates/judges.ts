import type { SyntaxNode } from 'unbash';
import { eachCommandOf, programOf, unwrap, type Words, wordsOf } from './words.ts';

/** Programs that judge whatever their arguments: test runners, linters, type checkers. */
const ALWAYS: ReadonlySet<string> = new Set(
  (
    'ava bats behave biome black buf checkstyle clang-tidy cppcheck ctest cypress detekt eslint flake8 golangci-lint gotestsum ' +
    'hadolint jasmine jest karma ktlint mocha mypy nose2 nox oxlint phan phpcs phpstan phpunit playwright prettier psalm pylint ' +
    'pyright pytest py.test rspec rubocop ruff rustfmt shellcheck standard staticcheck stylelint tap tox tsc tsgo vitest vue-tsc yamllint'
  ).split(' '),
);
/** Programs that judge when they are asked for one of these. */
const WITH_WORD: Readonly<Record<string, RegExp>> = {
  bazel: /^(?:test|build|coverage)$/,
  bun: /^(?:test|run|x)$/,
  cabal: /^(?:test|build)$/,
  cargo: /^(?:test|t|build|b|check|c|clippy|fmt|nextest)$/,
  cmake: /^--build$/,
  composer: /^(?:test|run|run-script|exec)$/,
  dart: /^(?:test|analyze)$/,
  deno: /^(?:test|lint|check|task|fmt)$/,
  dotnet: /^(?:test|build|format)$/,
  flutter: /^(?:test|analyze)$/,
  go: /^(?:test|vet|build)$/,
  gradle: /./,
  gradlew: /./,
  just: /./,
  make: /^/,
  mix: /^(?:test|compile|credo|format)$/,
  mvn: /./,
  mvnw: /./,
  node: /./,
  npm: /^(?:test|t|tst|run|run-script)$/,
  php: /./,
  pnpm: /^(?!(?:i|install|add)$)./,
  python: /./,
  python3: /./,
  rake: /^/,
  ruby: /./,
  sbt: /./,
  stack: /^(?:test|build)$/,
  swift: /^(?:test|build)$/,
  task: /./,
  turbo: /./,
  yarn: /^(?!(?:install|add)$)./,
  zig: /^(?:test|build)$/,
};
/** A script of the repository. */
const OWN_SCRIPT = /^(?:\.{1,2}\/|[\w.-]+\/)|\.(?:sh|bash|py|rb|js|ts|mjs)$/;

/** Whether a command runs tests, a linter, a compiler or a script: its failure says something about the work. */
function judges(words: Words): boolean {
  const own = unwrap(words);
  const program = programOf(own);
  if (ALWAYS.has(program) || (own[0] !== undefined && OWN_SCRIPT.test(own[0]))) return true;
  if (/^(?:bash|sh)$/.test(program)) return own[1] !== undefined && !own[1].startsWith('-');
  const word = Object.hasOwn(WITH_WORD, program) ? WITH_WORD[program] : undefined;
  if (word === undefined) return false;
  const first = own.slice(1).find((each) => each === '--build' || each?.startsWith('-') !== true);
  return word.test(first ?? '') || (own.length > 1 && first === undefined && word.test('?'));
}

/** {@link judges} for any command below a node. */
export function hasJudge(node: SyntaxNode): boolean {
  let found = false;
  eachCommandOf(node, (command) => {
    found ||= judges(wordsOf(command));
  });
  return found;
}
