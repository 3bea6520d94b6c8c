import { spellOutHidden } from '../../text/hidden-text.ts';
import { suggestion } from '../../text/nearest.ts';

/** Why a line that looks like a command is none. Contains nothing that could be read as Markdown or a command. */
export interface CommandProblem {
  readonly kind: 'problem';
  readonly message: string;
  readonly hint: string | null;
}

/** The words after a command's name that are not options, and the value of each option by its name; '' for a flag. */
export interface Arguments {
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

/** What an option takes: nothing, one of these values, or a whole number from 1; `noun`: what that is. */
export type Option = 'flag' | { readonly noun: string; readonly values: readonly string[] | 'number' };

const MAX_QUOTED = 40;

/** Separates words and options, in linear time. A value follows its option as the next word or after `=`. */
export function readArguments(
  rest: readonly string[],
  known: Readonly<Record<string, Option>>,
): Arguments | CommandProblem {
  const words: string[] = [];
  const options = new Map<string, string>();
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index] ?? '';
    if (!/^[-\u2013\u2014]/.test(word)) {
      words.push(word); // a phone makes a dash of two hyphens
      continue;
    }
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word : word.slice(0, equals)).toLowerCase();
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option === undefined || (option === 'flag' && equals >= 0))
      return problem(`there is no option ${quote(word)} here`, suggestion(name, Object.keys(known)) ?? null);
    if (options.has(name)) return problem(`\`${name}\` stands there twice`, null);
    if (option === 'flag') {
      options.set(name, '');
      continue;
    }
    const given = equals < 0 ? (rest[(index += 1)] ?? '') : word.slice(equals + 1);
    const { values } = option;
    const hint = values === 'number' ? WHOLE_NUMBER : (suggestion(given, values) ?? null);
    if (given === '') return problem(`\`${name}\` needs a value`, hint);
    const isKnown = values === 'number' ? isWholeNumber(given) : values.includes(given.toLowerCase());
    const value = isKnown ? given.toLowerCase() : undefined;
    if (value === undefined) return problem(`${quote(given)} is no ${option.noun} for \`${name}\``, hint);
    options.set(name, value);
  }
  return { words, options };
}

/** What a number in a command must be, as a hint. */
export const WHOLE_NUMBER = 'it is a whole number from 1';

/** Whether a word is such a number. */
export function isWholeNumber(word: string): boolean {
  return /^[1-9][0-9]{0,5}$/.test(word);
}

/** A problem, its message one clause without a full stop. */
export function problem(message: string, hint: string | null): CommandProblem {
  return { kind: 'problem', message, hint };
}

/** Whether a parser's result is a problem. */
export function isProblem(read: object): read is CommandProblem {
  return 'kind' in read;
}

/** Shortens and escapes a comment's text for backquotes. */
export function quote(text: string): string {
  if (text === '') return 'nothing'; // two backquotes would open a code span
  const characters = Array.from(text.slice(0, 2 * MAX_QUOTED + 2));
  const cut = characters.length > MAX_QUOTED ? `${characters.slice(0, MAX_QUOTED - 1).join('')}…` : text;
  return `\`${spellOutHidden(cut.toWellFormed()).replaceAll('`', "'")}\``;
}
