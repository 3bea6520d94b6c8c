import { findHiddenText, stripHidden } from '../../text/hidden-text.ts';
import { nearest } from '../../text/nearest.ts';
import { type CommandProblem, isProblem, problem, quote, readArguments } from './command-words.ts';
import { type Command, COMMAND_NAMES, type CommandEntry, COMMANDS, isCommandName } from './commands.ts';
import { findPlainLines, type PlainLine } from './comment-lines.ts';

/** One command of a comment, on its line (from 1); or why a line that looks like one is none. */
export type ParsedCommand = { readonly line: number } & (Command | CommandProblem);

/** Maximum commands of one comment. */
const MAX_COMMANDS = 10;

/**
 * The commands of a comment, in order: lines that begin with `/choo` in the first column, outside code, quotes, HTML and
 * what HTML folds away. Pure, linear in the comment, and safe for any text.
 */
export function parseCommands(body: string): readonly ParsedCommand[] {
  const commands: ParsedCommand[] = [];
  for (const line of findPlainLines(body)) {
    // Also matched without invisible characters, so that a line with such characters is reported.
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

function parseLine({ text, doubtful }: PlainLine): Command | CommandProblem {
  const [hidden] = findHiddenText(`.${text}`, text.length + 1); // the dot: a byte order mark counts here
  if (hidden !== undefined) return problem(`the command has ${hidden.what} in it`, 'type it by hand');
  if (doubtful)
    return problem(
      'a link or an HTML tag above may reach over this command',
      'put an empty line above the command',
    );
  const [word = '', ...rest] = text.slice('/choo'.length).trim().split(/\s+/);
  const name = word === '' ? 'help' : word.toLowerCase();
  if (!isCommandName(name)) return unknown(word);
  const entry: CommandEntry = COMMANDS[name];
  const read =
    entry.isText === true
      ? { words: rest, options: new Map<string, string>() }
      : readArguments(rest, entry.options ?? {});
  if (isProblem(read)) return read;
  const tooMany = read.words.slice(entry.maxWords);
  if (tooMany.length > 0)
    return problem(
      `nothing belongs behind ${quote(read.words[entry.maxWords - 1] ?? name)}`,
      `leave out ${quote(tooMany.join(' '))}`,
    );
  const parsed = entry.parse(read);
  if (isProblem(parsed)) return parsed;
  return { kind: name, ...parsed } as Command; // what the parser of this name returned
}

function unknown(word: string): CommandProblem {
  const name = word.toLowerCase();
  const close = nearest(name, COMMAND_NAMES) ?? COMMAND_NAMES.find((known) => isMixedUp(name, known));
  const hint = close === undefined ? `one of: ${COMMAND_NAMES.join(', ')}` : `did you mean \`${close}\`?`;
  return problem(`there is no command ${quote(word)}`, hint);
}

/** `rnu`: two edits, too many for a short word, and yet plain. */
function isMixedUp(word: string, known: string): boolean {
  return (
    word.length === known.length && Array.from(word).sort().join('') === Array.from(known).sort().join('')
  );
}
