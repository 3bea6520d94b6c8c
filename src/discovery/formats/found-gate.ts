import type { Position } from '../../problems/problem.ts';
import { findCodeSpans } from '../../text/markdown-code.ts';
import type { OutlineLine } from './outline.ts';

/** A command that somebody wrote as the proof of a task, and where. */
export interface FoundGate {
  readonly command: string;
  readonly at: Position;
}

/** Words of a line that says how a task is proved. */
const PROOF =
  /\b(?:verif(?:y|ied|ies|ication)|validat(?:e|ed|es|ion)|confirm|checkpoint|independent test|acceptance|tests? pass|tested (?:by|with)|test:|gate:)/i;

/** Programs that end with a verdict; another word in backticks is a path, a name or a piece of code. */
const PROGRAMS = new Set(
  (
    'npm npx yarn pnpm bun bunx deno node make just task go cargo python python3 pytest tox nox uv poetry hatch ruby ' +
    'bundle rake rspec mvn gradle dotnet swift mix composer php phpunit jest vitest playwright cypress eslint tsc ruff ' +
    'mypy black bash sh test grep diff cmake ctest ninja bazel sbt lein zig dart flutter terraform golangci-lint openspec'
  ).split(' '),
);

/** Those that mean something without an argument. */
const ALONE = new Set('make just pytest tox nox rake rspec phpunit jest vitest ctest tsc mypy'.split(' '));

/** The commands that lines give as a proof, joined by `&&`; undefined where there are none. Linear. */
export function findGate(lines: readonly OutlineLine[]): FoundGate | undefined {
  const commands: string[] = [];
  let at: Position | undefined;
  for (const line of lines) {
    if (line.hidden) continue;
    const proof = PROOF.exec(line.text)?.index;
    if (proof === undefined) continue;
    const spans = findCodeSpans(line.text)
      .map(({ start, end }) => ({ start, command: line.text.slice(start, end).replaceAll('`', '').trim() }))
      .filter(({ command }) => isCommand(command));
    // What stands before the word is the work, unless nothing stands behind it: "run `npm test` and verify it".
    const behind = spans.filter(({ start }) => start > proof);
    for (const { start, command } of behind.length > 0 ? behind : spans.slice(-1)) {
      commands.push(command);
      at ??= { line: line.number, column: start + 1 };
    }
  }
  return at === undefined ? undefined : { command: [...new Set(commands)].join(' && '), at };
}

function isCommand(text: string): boolean {
  const [program = '', ...rest] = text.split(/[ \t]+/).filter((word) => !/^[A-Z_]+=/.test(word));
  if (/^\.{1,2}\/[\w.-]/.test(program)) return rest.length > 0 || /\.(?:sh|py|rb|js|ts)$|w$/.test(program);
  return PROGRAMS.has(program) && (rest.length > 0 || ALONE.has(program));
}

/** Both commands, where there are two. */
export function joinGates(
  first: FoundGate | undefined,
  second: FoundGate | undefined,
): FoundGate | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return first.command === second.command
    ? first
    : { ...first, command: `${first.command} && ${second.command}` };
}
