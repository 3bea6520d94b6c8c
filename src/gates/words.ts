import { type Command, forEachChild, type SyntaxNode, type Word, type WordPart } from 'unbash';

/** The words of a simple command without what only wraps it; those that depend on variables are undefined. */
export type Words = readonly (string | undefined)[];

/** Programs that run the command behind them and end with its status, and their options that take a value. */
const WRAPPERS: Readonly<Record<string, RegExp>> = {
  command: /^$/,
  env: /^-(?:u|C|S|-unset|-chdir)$/,
  exec: /^-a$/,
  nice: /^-(?:n|-adjustment)$/,
  nohup: /^$/,
  stdbuf: /^-[ioe]$/,
  sudo: /^-[ugh]$/,
  time: /^$/,
  timeout: /^-(?:k|s|-kill-after|-signal)$/,
  'xvfb-run': /^-[aefnpsw]$/,
};
/** The same of package managers and their like, by the word behind them. */
const RUNNERS: Readonly<Record<string, ReadonlySet<string>>> = {
  bundle: new Set(['exec']),
  npm: new Set(['exec', 'x']),
  pdm: new Set(['run']),
  pipenv: new Set(['run']),
  pnpm: new Set(['exec', 'dlx']),
  poetry: new Set(['run']),
  rye: new Set(['run']),
  uv: new Set(['run']),
  yarn: new Set(['exec', 'dlx']),
};
const DIRECT_RUNNERS: ReadonlySet<string> = new Set(['npx', 'bunx', 'pnpx', 'uvx', 'pipx', 'dotenvx']);

/** The value of a word that is the same in every shell; undefined: it depends on variables, commands or files. */
export function literal(word: Word): string | undefined {
  return (word.parts ?? []).every(isLiteral) ? word.value : undefined;
}

function isLiteral(part: WordPart): boolean {
  if (part.type === 'DoubleQuoted' || part.type === 'LocaleString') return part.parts.every(isLiteral);
  return part.type === 'Literal' || part.type === 'SingleQuoted' || part.type === 'AnsiCQuoted';
}

/** All words of a command, its name first. */
export function wordsOf(command: Command): Words {
  const words = command.args.flatMap((argument) => (argument.type === 'Word' ? [literal(argument)] : []));
  return command.name === undefined ? words : [literal(command.name), ...words];
}

/** The command that does the work, behind `env`, `timeout 60`, `npx` and the like. */
export function unwrap(words: Words): Words {
  let rest = words;
  for (;;) {
    const next = withoutWrapper(rest);
    if (next === undefined || next.length === 0) return rest;
    rest = next;
  }
}

/** Undefined: the command is no wrapper. */
function withoutWrapper(words: Words): Words | undefined {
  const name = programOf(words);
  const withValue = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name] : undefined;
  const isRunner = Object.hasOwn(RUNNERS, name) && RUNNERS[name]?.has(words[1] ?? '') === true;
  if (withValue === undefined && !isRunner && !DIRECT_RUNNERS.has(name)) return undefined;
  let at = isRunner ? 2 : 1;
  for (; at < words.length; at += 1) {
    const word = words[at];
    if (word === '--') return words.slice(at + 1);
    if (word !== undefined && withValue?.test(word) === true && word !== '') at += 1;
    else if (word === undefined || !(word.startsWith('-') || (name === 'env' && word.includes('=')))) break;
  }
  return words.slice(name === 'timeout' ? at + 1 : at);
}

/** The name of the program without its directory; empty: it is not known. */
export function programOf(words: Words): string {
  const name = words[0] ?? '';
  return name.slice(name.lastIndexOf('/') + 1);
}

/**
 * Calls back for every simple command below a node, wherever it stands, and says whether it runs in the background. Those of text
 * that was decoded are left out.
 */
export function eachCommandOf(
  node: SyntaxNode,
  call: (command: Command, isBackground: boolean) => void,
  isBackground = false,
): void {
  if (node.type === 'Command') call(node, isBackground);
  const below =
    isBackground || node.type === 'Coproc' || (node.type === 'Statement' && node.background === true);
  forEachChild(node, (child) => {
    if (!(child.type === 'Script' && child.source !== undefined)) eachCommandOf(child, call, below);
  });
}
