import { RateLimitedError, statusOf } from '../../github/api/client.ts';
import { grantedBy, missingPermission, MissingPermissionError } from '../../github/api/missing-permission.ts';

/**
 * Independent writes: when GitHub rejects one, its reason is collected and the next is made. Transient errors (a rate limit,
 * GitHub down, an expired token) still stop all of them, and so does the signal.
 */
export class RejectedWrites {
  readonly #sentences: string[] = [];
  readonly #onError: (what: string, error: unknown) => void;
  readonly #signal: AbortSignal;

  constructor(onError: (what: string, error: unknown) => void, signal: AbortSignal) {
    this.#onError = onError;
    this.#signal = signal;
  }

  /** One sentence per rejected write, for people: plain text that may quote GitHub. */
  get sentences(): readonly string[] {
    return this.#sentences;
  }

  /** Adds rejections that are known without a request: from before, and not due to be retried yet, or of a withheld permission. */
  repeat(sentences: readonly string[]): void {
    this.#sentences.push(...sentences);
  }

  /** Makes one write. `what` names its subject, at the start of the sentence when it is rejected. */
  async step(what: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (error instanceof RateLimitedError || statusOf(error) === 401 || this.#signal.aborted) throw error;
      this.#onError(`${what} was not written`, error);
      this.#sentences.push(`${what} was not written: ${reasonOf(error)}`);
    }
  }
}

/** GitHub's message, if it sent one. Internal errors go to the log only. */
function reasonOf(error: unknown): string {
  if (error instanceof RejectedWrite || error instanceof MissingPermissionError) return error.message;
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
  const needs = missingPermission(error);
  return `${words.slice(0, 300)}${needs === undefined ? '' : `; ${grantedBy(needs)}`}`;
}

/** A write that was not possible, with a message for people. */
export class RejectedWrite extends Error {}
