import type { TokenCount } from './provider.ts';
import { addTokens, cut, isNone, NO_TOKENS } from './stream.ts';

/** The maximum number of messages that are open at once; older ones only count in the total. */
const OPEN_MESSAGES = 100;

/** Sums usage by message. A message has a line for each of its blocks, all with the same usage, which counts once. */
export class UsageByMessage {
  readonly #open = new Map<string, TokenCount>();
  #closed = NO_TOKENS;

  get total(): TokenCount {
    return [...this.#open.values()].reduce(addTokens, this.#closed);
  }

  /** Records the usage of a message. Returns the new total if it changed. */
  record(id: string | undefined, usage: TokenCount | undefined): TokenCount | undefined {
    if (id === undefined || usage === undefined || isNone(usage)) return undefined;
    const key = cut(id, 100);
    const before = this.#open.get(key);
    if (before !== undefined && isSame(before, usage)) return undefined;
    this.#open.set(key, usage);
    this.#closeOldest();
    return this.total;
  }

  #closeOldest(): void {
    if (this.#open.size <= OPEN_MESSAGES) return;
    for (const [id, usage] of this.#open) {
      this.#closed = addTokens(this.#closed, usage);
      this.#open.delete(id);
      return;
    }
  }
}

function isSame(one: TokenCount, other: TokenCount): boolean {
  return (
    one.input === other.input &&
    one.output === other.output &&
    one.cacheRead === other.cacheRead &&
    one.cacheWrite === other.cacheWrite
  );
}
