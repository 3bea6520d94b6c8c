/** The kind of an error, for code that must act on it. Details belong in the message. */
export type ErrorCode =
  | 'usage' // the request names something that does not exist or is invalid
  | 'conflict' // the current state does not allow the request
  | 'environment' // a tool or a setting of this machine is missing or wrong
  | 'git' // git refused
  | 'limit' // a repository's content takes more time or memory than allowed
  | 'internal'; // a bug of choo

/** The one error class of choo: what happened, to what, and what to do about it. */
export class ChooError extends Error {
  readonly code: ErrorCode;
  /** How to fix it; a sentence or a command. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: { hint?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ChooError';
    this.code = code;
    this.hint = details.hint;
  }
}

/** Converts a thrown value to a ChooError; any other error becomes `internal`. */
export function coerceError(thrown: unknown): ChooError {
  if (thrown instanceof ChooError) return thrown;
  return new ChooError('internal', messageOf(thrown), { cause: thrown });
}

/** The message of a thrown error, or any other thrown value as text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
