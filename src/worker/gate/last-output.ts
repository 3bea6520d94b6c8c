import { stripVTControlCharacters } from 'node:util';

/** More of one line tells nobody anything. Characters. */
const LENGTH = 300;
/** How often the last line is handed on at most. Milliseconds. */
const EVERY_MS = 100;

/** The last line of an output that says something, as a terminal would show it; undefined: there is none. */
export function lastOutput(text: string): string | undefined {
  const lines = stripVTControlCharacters(text.slice(-10 * LENGTH)).split(/[\r\n]/);
  return lines
    .findLast((line) => line.trim() !== '')
    ?.trim()
    .slice(0, LENGTH);
}

/** Hands on the last line of an output that comes in pieces, whether it has an end yet or not. Ended by disposing of it. */
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
