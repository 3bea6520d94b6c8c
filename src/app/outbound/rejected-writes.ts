import { RateLimitedError, statusOf } from '../../github/api/client.ts';

/**
 * Writes that do not wait for each other: what GitHub refuses of one is kept in words, and the next is made. What passes by
 * itself (a pause, GitHub down, a token that it does not believe) still stops all of them, and so does the signal.
 */
export class RejectedWrites {
  readonly #sentences: string[] = [];
  readonly #onTrouble: (what: string, error: unknown) => void;
  readonly #signal: AbortSignal;

  constructor(onError: (what: string, error: unknown) => void, signal: AbortSignal) {
    this.#onTrouble = onError;
    this.#signal = signal;
  }

  /** What to tell people, a sentence each: plain text with words of GitHub's in it. */
  get sentences(): readonly string[] {
    return this.#sentences;
  }

  /** Takes in what was refused before and is not tried again yet. */
  repeat(sentences: readonly string[]): void {
    this.#sentences.push(...sentences);
  }

  /** Makes one write; `what` it is about goes before its refusal. */
  async step(what: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (error instanceof RateLimitedError || statusOf(error) === 401 || this.#signal.aborted) throw error;
      this.#onTrouble(`${what} was not written`, error);
      this.#sentences.push(`${what} was not written: ${reasonOf(error)}`);
    }
  }
}

/** GitHub's own words, where it said any; of what went wrong inside, only the log tells. */
function reasonOf(error: unknown): string {
  if (error instanceof RejectedWrite) return error.message;
  if (statusOf(error) === undefined) return 'something went wrong inside choo; its log has it';
  const { data } = (error as { response: { data?: unknown } }).response;
  const { message, errors } = (data ?? {}) as { message?: unknown; errors?: unknown };
  const finer = (Array.isArray(errors) ? errors : []).flatMap(
    (each: { message?: unknown } | string | null) => {
      const words = typeof each === 'string' ? each : each?.message;
      return typeof words === 'string' ? [words] : [];
    },
  );
  const words =
    finer.length > 0 ? finer.join('; ') : typeof message === 'string' ? message : 'GitHub refused it';
  return words.slice(0, 300);
}

/** A write that cannot be made, with a reason for people. */
export class RejectedWrite extends Error {}
