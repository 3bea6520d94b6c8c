/** What went wrong, for code that must act on it. Everything finer belongs in the message. */
export type ErrorCode =
  | 'usage' // the caller asked for something that does not exist or cannot be
  | 'conflict' // what is there already stands in the way
  | 'environment' // a tool or a setting of this machine is missing or wrong
  | 'git' // git refused
  | 'limit' // what a repository holds takes more time or memory than it may
  | 'internal'; // ours to mend

/** The one error class of choo: what happened, to what, and what to do next. */
export class ChooError extends Error {
  readonly code: ErrorCode;
  /** What the reader can do about it; a sentence or a command. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: { hint?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ChooError';
    this.code = code;
    this.hint = details.hint;
  }
}

/** Anything that was thrown, as a ChooError; what is not one already is `internal`. */
export function coerceError(thrown: unknown): ChooError {
  if (thrown instanceof ChooError) return thrown;
  return new ChooError('internal', messageOf(thrown), { cause: thrown });
}

/** What was thrown, in words: the message of an error, and anything else as text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
