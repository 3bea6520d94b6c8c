import type { TokenCount } from './provider.ts';
import { addTokens, cut, isNone, NO_TOKENS } from './stream.ts';

/** How many messages are remembered: more never stand open at once. */
const OPEN_MESSAGES = 100;

/** A message comes in several lines, one for each of its blocks, each with the same usage: it counts once. */
export class SpentByMessage {
  readonly #open = new Map<string, TokenCount>();
  #closed = NO_TOKENS;

  get total(): TokenCount {
    return [...this.#open.values()].reduce(addTokens, this.#closed);
  }

  /** The new total, when this changed it. */
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
