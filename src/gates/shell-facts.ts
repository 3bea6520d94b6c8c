import type { AndOr, CommandNode, Pipeline, TestExpression, Word } from 'unbash';
import { literal, programOf, unwrap, wordsOf } from './words.ts';

/** The options of a shell that decide which failures count. */
export interface Flags {
  errexit: boolean;
  pipefail: boolean;
}

/** Commands that succeed whatever they are given. */
export const SUCCEED: ReadonlySet<string> = new Set(
  'true : echo printf pwd date sleep wait set shopt unset export declare typeset local readonly trap alias unalias'.split(
    ' ',
  ),
);
/** Commands at the end of a pipe that succeed whatever comes in. */
const FILTERS: ReadonlySet<string> = new Set(
  'tee cat tail head sed awk gawk tr sort uniq wc less more cut nl column fold fmt paste rev tac ts colordiff strings'.split(
    ' ',
  ),
);
/** Programs that read commands. */
const SHELLS: ReadonlySet<string> = new Set(['bash', 'sh', 'dash', 'zsh', 'ksh']);

/** Whether a command is one of those at the end of a pipe. */
export function isFilter(command: CommandNode | undefined): boolean {
  return command?.type === 'Command' && FILTERS.has(programOf(unwrap(wordsOf(command))));
}

/** How a command leaves the shell; undefined: it does not. `last`: with the status of the command before it. */
export function exitOf(
  node: AndOr | Pipeline | CommandNode,
): 'success' | 'failure' | 'last' | 'dynamic' | undefined {
  if (node.type === 'BraceGroup' || node.type === 'Redirected') {
    const list = node.type === 'BraceGroup' ? node.body : undefined;
    const final = list?.commands.at(-1)?.command;
    const exit = final === undefined ? undefined : exitOf(final);
    return exit === 'last' ? 'dynamic' : exit;
  }
  if (node.type !== 'Command') return undefined;
  const [name, status, ...more] = wordsOf(node);
  if ((name !== 'exit' && name !== 'return') || more.length > 0) return undefined;
  if (node.args.length === 0) return 'last';
  if (status === undefined || !/^\d{1,9}$/.test(status)) return 'dynamic';
  return Number(status) % 256 === 0 ? 'success' : 'failure';
}

/** Whether a redirection fails where a file is missing. */
export function readsFile(redirect: { readonly type: string; readonly operator: string }): boolean {
  return redirect.type === 'Redirect' && redirect.operator === '<';
}

/** `set -euo pipefail`, `shopt -so pipefail`. */
export function setFlags([program, ...words]: readonly (string | undefined)[], flags: Flags): void {
  const isOn = (word: string): boolean => (program === 'set' ? word.startsWith('-') : word.includes('s'));
  for (const [index, word = ''] of words.entries()) {
    if (!/^[-+][a-zA-Z]+$/.test(word)) continue;
    if (program === 'set' && word.includes('e')) flags.errexit = isOn(word);
    if (!word.includes('o')) continue;
    if (words[index + 1] === 'errexit') flags.errexit = isOn(word);
    if (words[index + 1] === 'pipefail') flags.pipefail = isOn(word);
  }
}

/** The command behind `bash -c`, with the options before it; undefined: the words are no such command. */
export function scriptOf(
  words: readonly (string | undefined)[],
): { readonly text: string; readonly flags: Flags } | undefined {
  if (!SHELLS.has(programOf(words))) return undefined;
  const flags: Flags = { errexit: false, pipefail: false };
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at];
    if (word === undefined || !/^[-+]/.test(word)) return undefined;
    setFlags(['set', word, words[at + 1]], flags);
    const text = words[at + (word.includes('o') ? 2 : 1)];
    if (/^-[a-zA-Z]+$/.test(word) && word.includes('c'))
      return text === undefined ? undefined : { text, flags };
    if (/^-[a-zA-Z]*o$/.test(word)) at += 1;
  }
  return undefined;
}

/** Whether `test` compares what is written there, and no file or variable. */
export function isConstantTest(words: readonly (string | undefined)[]): boolean {
  const own = words.at(-1) === ']' ? words.slice(0, -1) : words;
  if (own.includes(undefined)) return false;
  return !own.some((word) => /^-(?:[a-mo-yA-Z]|nt|ot|ef)$/.test(word ?? '')) || own.length === 1;
}

/** {@link isConstantTest} for `[[ … ]]`. */
export function isConstant(expression: TestExpression): boolean {
  switch (expression.type) {
    case 'TestUnary':
      return /^-[nz]$/.test(expression.operator) && isLiteralWord(expression.operand);
    case 'TestBinary':
      return (
        !/^-(?:nt|ot|ef)$/.test(expression.operator) &&
        isLiteralWord(expression.left) &&
        isLiteralWord(expression.right)
      );
    case 'TestLogical':
      return expression.operands.every(isConstant);
    case 'TestNot':
      return isConstant(expression.operand);
    case 'TestGroup':
      break;
  }
  return isConstant(expression.expression);
}

function isLiteralWord(word: Word): boolean {
  return literal(word) !== undefined;
}
