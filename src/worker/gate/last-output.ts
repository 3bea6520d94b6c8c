import { stripSequences } from '../../text/terminal-sequences.ts';

/** Maximum length of a line. Characters. */
const LENGTH = 300;
/** Minimum interval between two calls. Milliseconds. */
const EVERY_MS = 100;

/** The last meaningful line of an output, as a terminal shows it; undefined when there is none. */
export function lastOutput(text: string): string | undefined {
  const lines = stripSequences(text.slice(-10 * LENGTH)).split(/[\r\n]/);
  return lines
    .findLast((line) => line.trim() !== '')
    ?.trim()
    .slice(0, LENGTH);
}

/** Follows output that comes in chunks and reports its last line, even an unfinished one, until it is disposed of. */
export function followLastOutput(onLine: (line: string) => void): Disposable & {
  readonly push: (text: string) => void;
} {
  let end = '';
  let timer: NodeJS.Timeout | undefined;
  return {
    push: (text) => {
      end = (end + text).slice(-10 * LENGTH);
      timer ??= setTimeout(() => {
        timer = undefined;
        const line = lastOutput(end);
        if (line !== undefined) onLine(line);
      }, EVERY_MS);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
