import { isCommandName } from '../commands/commands.ts';
import { cut } from '../../text/cut.ts';
import { code, inline } from './markdown.ts';

/**
 * A text of choo's that may contain foreign names, as one line of Markdown: what is foreign is escaped, code spans stay code, and
 * a command of choo's is written as in a comment, also where it was said for a shell.
 */
export function words(text: string, limit = 300): string {
  const shown = spansOf(cut(text, limit)).map((part) =>
    isCode(part) ? code(part.slice(1, -1).replace(SHELL_COMMAND, asComment)) : between(part),
  );
  return shown.join('').trim();
}

/** Whether a text names a command that only a shell has. */
export function namesShellCommand(text: string): boolean {
  return spansOf(text).some((part) => {
    const name = isCode(part) ? SHELL_COMMAND.exec(part.slice(1, -1))?.[1] : undefined;
    return name !== undefined && !isCommandName(name);
  });
}

/** A command of choo's in a shell. A check is called `choo / NAME`. */
const SHELL_COMMAND = /^choo ([a-z]+)/;

function asComment(shell: string, name: string): string {
  return isCommandName(name) ? `/${shell}` : shell;
}

function spansOf(text: string): readonly string[] {
  return text.split(/(`[^`]*`)/);
}

function isCode(part: string): boolean {
  return part.length > 1 && part.startsWith('`') && part.endsWith('`');
}

/** Escapes the text between code spans; keeps the spaces at its ends. A colon before a space means nothing on GitHub. */
function between(text: string): string {
  const shown = inline(text, Number.POSITIVE_INFINITY);
  const spaced = shown === '' ? ' ' : `${/^\s/.test(text) ? ' ' : ''}${shown}${/\s$/.test(text) ? ' ' : ''}`;
  return spaced.replaceAll('\\: ', ': ');
}
