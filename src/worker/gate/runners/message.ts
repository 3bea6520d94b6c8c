/** Maximum lines of a message, and maximum lines that are searched for something below a mark. */
const MESSAGE_LINES = 12;
export const NEAR = 80;

/** Lines behind a message: the stack, source excerpts, differences, notes. */
const BEHIND = /^(?:(?:# +)?at\s|❯|[╭│╰]|(?:> *)?(?:\d+ *)?\||\d+: |- Expected$|stack backtrace:|note: )/;

/** A printed error: its class, then its message. */
export const ERROR = /^(?:# )?(?:Uncaught )?[\w$.:]*(?:Error|Exception|Failure)(?: \[\w+\])?: /;

export const isBlank = (line: string): boolean => line.trim() === '';

/** The lines from `from` on that belong to one message, as one text; undefined: there are none. */
export function readMessage(
  lines: readonly string[],
  from: number,
  isMessage: (line: string) => boolean,
): string | undefined {
  let start = from;
  while (start < from + MESSAGE_LINES && start < lines.length && isBlank(lines[start] ?? '')) start += 1;
  const near = lines.slice(start, start + MESSAGE_LINES);
  const end = near.findIndex((line) => !isMessage(line) || BEHIND.test(line.trimStart()));
  const message = near
    .slice(0, end === -1 ? near.length : end)
    .join('\n')
    .trim();
  return message === '' ? undefined : message;
}

/** The lines from `from` up to the first that `isEnd`, at most {@link NEAR}. */
export function block(
  lines: readonly string[],
  from: number,
  isEnd: (line: string) => boolean,
): readonly string[] {
  const near = lines.slice(from, from + NEAR);
  const end = near.findIndex(isEnd);
  return end === -1 ? near : near.slice(0, end);
}

/** A name and a message, without the class that every failed assertion has. */
export function say(name: string, message: string | undefined): string {
  const words = message?.trim().replace(/^AssertionError(?: \[\w+\])?: /, '') ?? '';
  const reason =
    words.length > 1 && words.startsWith("'") && words.endsWith("'") ? words.slice(1, -1) : words;
  return reason === '' ? name : `${name}: ${reason}`;
}
