import { RateLimitedError, statusOf } from '../../github/api/client.ts';

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

  /** Adds rejections from before that are not due to be retried yet. */
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
  if (error instanceof RejectedWrite) return error.message;
  if (statusOf(error) === undefined) return 'something went wrong inside choo; its log has it';
  const { data, headers } = (error as { response: { data?: unknown; headers?: unknown } }).response;
  const { message, errors } = (data ?? {}) as { message?: unknown; errors?: unknown };
  const finer = (Array.isArray(errors) ? errors : []).flatMap(
    (each: { message?: unknown } | string | null) => {
      const words = typeof each === 'string' ? each : each?.message;
      return typeof words === 'string' ? [words] : [];
    },
  );
  const words =
    finer.length > 0 ? finer.join('; ') : typeof message === 'string' ? message : 'GitHub refused it';
  return `${words.slice(0, 300)}${missingPermission(statusOf(error), headers)}`;
}

/**
 * The permissions that a refused request needs, as GitHub names them: docs.github.com, *Troubleshooting the REST API*. Empty: it
 * names none.
 */
function missingPermission(status: number | undefined, headers: unknown): string {
  const named = ((headers ?? {}) as Record<string, unknown>)['x-accepted-github-permissions'];
  if (status !== 403 || typeof named !== 'string') return '';
  const needs = named.split(';').map((each) => each.trim());
  if (!needs.every((each) => /^[a-z_]+=[a-z]+(?:,[a-z_]+=[a-z]+)*$/.test(each))) return '';
  return `; it needs ${needs.join(' or ')}, which the owner of the App's installation grants`;
}

/** A write that was not possible, with a message for people. */
export class RejectedWrite extends Error {}
