import { PROVIDER_NAMES, type ProviderName } from '../../config/schema.ts';
import { isUnitId } from '../../discovery/unit.ts';
import { findHiddenText, stripHidden } from '../../text/hidden-text.ts';
import { nearest, suggestion } from '../../text/nearest.ts';
import { type CommandProblem, problem, quote, readArguments } from './command-words.ts';
import { findPlainLines, type PlainLine } from './comment-lines.ts';

/** One command of a comment, on its line (from 1); or why a line that looks like one is none. */
export type ParsedCommand = { readonly line: number } & (
  | {
      readonly kind: 'run';
      /** The whole id of a commit, in small letters. */
      readonly commit: string | null;
      readonly units: readonly string[];
      readonly provider: ProviderName | null;
      readonly forceProvider: ProviderName | null;
    }
  | { readonly kind: 'plan' }
  | { readonly kind: 'status' }
  | { readonly kind: 'help' }
  /** `unit`: or the id of a run, which looks the same. */
  | { readonly kind: 'cancel'; readonly unit: string | null }
  | {
      readonly kind: 'retry';
      readonly unit: string | null;
      /** This task and those after it. */
      readonly task: number | null;
      readonly fresh: boolean;
    }
  | { readonly kind: 'skip'; readonly unit: string }
  | CommandProblem
);

/** What can be said, for whoever asks and for the documentation. */
export const USAGE: readonly { readonly form: string; readonly meaning: string }[] = [
  {
    form: '/choo run [SHA] [UNIT…] [--provider X] [--force-provider X]',
    meaning: 'run what the plan shows, or these units of it',
  },
  { form: '/choo plan', meaning: 'plan what is there now' },
  { form: '/choo status', meaning: 'say how far the run is' },
  {
    form: '/choo cancel [UNIT]',
    meaning: 'stop the run that runs, then the one that waits, or one unit; what is committed stays',
  },
  { form: '/choo cancel RUN', meaning: 'stop a run of this repository by its id, from any thread' },
  {
    form: '/choo retry [UNIT[/TASK]] [--fresh]',
    meaning: 'give what did not complete another turn; `--fresh` starts over',
  },
  { form: '/choo skip UNIT', meaning: 'go on without a unit' },
  { form: '/choo help', meaning: 'show this' },
];

const WORDS = ['run', 'plan', 'status', 'cancel', 'retry', 'skip', 'help'] as const;

/** More than these in one comment are not obeyed. */
const MAX_COMMANDS = 10;

type Command = ParsedCommand extends infer C ? (C extends ParsedCommand ? Omit<C, 'line'> : never) : never;

/**
 * The commands of a comment, in order: lines that begin with `/choo` in the first column, outside code, quotes, HTML and
 * what HTML folds away. Pure, linear in the comment, and fit for anything that anybody may write.
 */
export function parseCommands(body: string): readonly ParsedCommand[] {
  const commands: ParsedCommand[] = [];
  for (const line of findPlainLines(body)) {
    // Judged without the characters that nobody sees, so that a line with such characters is told about.
    if (!/^\/choo(?=\s|$)/i.test(line.text) && !/^\/choo(?=\s|$)/i.test(stripHidden(line.text))) continue;
    if (commands.length === MAX_COMMANDS) {
      const message = `there are more than ${MAX_COMMANDS} commands in this comment; the rest was not read`;
      commands.push({ ...problem(message, null), line: line.number });
      break;
    }
    commands.push({ ...parseLine(line), line: line.number });
  }
  return commands;
}

function parseLine({ text, doubtful }: PlainLine): Command {
  const [hidden] = findHiddenText(`.${text}`, text.length + 1); // the dot: a byte order mark counts here
  if (hidden !== undefined) return problem(`the command has ${hidden.what} in it`, 'type it by hand');
  if (doubtful)
    return problem(
      'a link or an HTML tag above may reach over this command',
      'put an empty line above the command',
    );
  const [word = '', ...rest] = text.slice('/choo'.length).trim().split(/\s+/);
  const verb = word.toLowerCase();
  switch (verb) {
    case 'run':
      return parseRun(rest);
    case 'plan':
    case 'status':
    case 'help':
      return rest.length === 0 ? { kind: verb } : tooMany(verb, rest);
    case 'cancel':
    case 'skip':
      return parseUnit(verb, rest);
    case 'retry':
      return parseRetry(rest);
    case '':
      return { kind: 'help' };
    default: {
      const close = nearest(verb, WORDS) ?? WORDS.find((known) => isMixedUp(verb, known));
      const hint = close === undefined ? `one of: ${WORDS.join(', ')}` : `did you mean \`${close}\`?`;
      return problem(`there is no command ${quote(word)}`, hint);
    }
  }
}

function parseRun(rest: readonly string[]): Command {
  const read = readArguments(rest, { valued: ['--provider', '--force-provider'], flags: [] });
  if ('kind' in read) return read;
  for (const [option, given] of read.options)
    if (providerNamed(given) === null)
      return problem(
        `${quote(given)} is no provider for \`${option}\``,
        suggestion(given, PROVIDER_NAMES) ?? null,
      );
  const [first = ''] = read.words;
  // Fewer digits may as well be the name of a unit, and tell nobody for certain which commit is meant.
  const commit = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(first) ? first.toLowerCase() : null;
  const units = [...new Set(commit === null ? read.words : read.words.slice(1))];
  const wrong = units.find((unit) => !isUnitId(unit));
  if (wrong !== undefined) return noUnit(wrong);
  return {
    kind: 'run',
    commit,
    units,
    provider: providerNamed(read.options.get('--provider')),
    forceProvider: providerNamed(read.options.get('--force-provider')),
  };
}

function parseRetry(rest: readonly string[]): Command {
  const read = readArguments(rest, { valued: [], flags: ['--fresh'] });
  if ('kind' in read) return read;
  const fresh = read.options.has('--fresh');
  const [name, ...more] = read.words;
  if (name === undefined) return { kind: 'retry', unit: null, task: null, fresh };
  if (more.length > 0) return tooMany(name, more);
  const [unit = '', task, ...parts] = name.split('/');
  if (!isUnitId(unit) || parts.length > 0) return noUnit(name);
  if (task !== undefined && !/^[1-9][0-9]{0,5}$/.test(task))
    return problem(`${quote(task)} is no number of a task`, 'it is a whole number from 1');
  return { kind: 'retry', unit, task: task === undefined ? null : Number(task), fresh };
}

function parseUnit(verb: 'cancel' | 'skip', rest: readonly string[]): Command {
  const read = readArguments(rest, { valued: [], flags: [] });
  if ('kind' in read) return read;
  const [unit, ...more] = read.words;
  if (more.length > 0) return tooMany(unit ?? verb, more);
  if (unit !== undefined && !isUnitId(unit)) return noUnit(unit);
  if (verb === 'cancel') return { kind: verb, unit: unit ?? null };
  return unit === undefined
    ? problem('`skip` needs the name of a unit', 'write `/choo skip` and the name')
    : { kind: verb, unit };
}

/** `rnu`: two edits, too many for a short word, and yet plain. */
function isMixedUp(word: string, known: string): boolean {
  return (
    word.length === known.length && Array.from(word).sort().join('') === Array.from(known).sort().join('')
  );
}

function providerNamed(given: string | undefined): ProviderName | null {
  return PROVIDER_NAMES.find((name) => name === given?.toLowerCase()) ?? null;
}

function tooMany(after: string, words: readonly string[]): Command {
  return problem(`nothing belongs behind ${quote(after)}`, `leave out ${quote(words.join(' '))}`);
}

function noUnit(word: string): Command {
  return problem(`${quote(word)} is no name of a unit`, 'a unit is named as its directory below the specs');
}
