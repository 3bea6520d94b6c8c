import { PROVIDER_NAMES } from '../../config/schema.ts';
import { spellOutHidden } from '../../text/hidden-text.ts';
import { suggestion } from '../../text/nearest.ts';

/** Why a line that looks like a command is none, with nothing in it that could be taken for Markdown or a command. */
export interface CommandProblem {
  readonly kind: 'problem';
  readonly message: string;
  readonly hint: string | null;
}

/** The words of a command that are not options, and what each option was given; a flag was given ''. */
export interface Arguments {
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

const MAX_QUOTED = 40;

/** Tells words and options apart. A value follows its option as the next word or after `=`. */
export function readArguments(
  rest: readonly string[],
  { valued, flags }: { readonly valued: readonly string[]; readonly flags: readonly string[] },
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
    const option = (equals < 0 ? word : word.slice(0, equals)).toLowerCase();
    const isFlag = flags.includes(option) && equals < 0;
    if (!isFlag && !valued.includes(option))
      return problem(
        `there is no option ${quote(word)} here`,
        suggestion(option, [...valued, ...flags]) ?? null,
      );
    if (options.has(option)) return problem(`\`${option}\` stands there twice`, null);
    const given = isFlag ? '' : equals < 0 ? (rest[(index += 1)] ?? '') : word.slice(equals + 1);
    if (!isFlag && given === '')
      return problem(`\`${option}\` needs a value`, suggestion('', PROVIDER_NAMES) ?? null);
    options.set(option, given);
  }
  return { words, options };
}

/** A problem, its message one clause without a full stop. */
export function problem(message: string, hint: string | null): CommandProblem {
  return { kind: 'problem', message, hint };
}

/** What was written, cut and fit to be shown in backquotes. */
export function quote(text: string): string {
  if (text === '') return 'nothing'; // two backquotes would open something
  const characters = Array.from(text.slice(0, 2 * MAX_QUOTED + 2));
  const cut = characters.length > MAX_QUOTED ? `${characters.slice(0, MAX_QUOTED - 1).join('')}…` : text;
  return `\`${spellOutHidden(cut.toWellFormed()).replaceAll('`', "'")}\``;
}
