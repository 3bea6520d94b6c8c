import type { Database } from '../database/database.ts';
import { runsAboveFairShare } from './fair-share.ts';

/** A claim of this process, and when it got its slot, by `performance.now()`. */
interface ClaimedSlot {
  readonly id: string;
  readonly run: string;
  readonly since: number;
}

/** Which claims of one process give their slots back to installations that have less than their share: one at a time. */
export class SlotPreemption {
  readonly #database: Database;
  readonly #quantumMs: number;
  /** The runs above their share, as seen last and before that: what was queued just now is about to be claimed. */
  #above: readonly [ReadonlySet<string>, ReadonlySet<string>] = [new Set(), new Set()];
  readonly #returning = new Set<string>();

  /** `quantumMs`: how long a claim keeps its slot in any case. Milliseconds. */
  constructor(database: Database, quantumMs: number) {
    this.#database = database;
    this.#quantumMs = quantumMs;
  }

  /** Looks for who waits; called each second. The database is asked only where a claim has had its slot for a quantum. */
  async poll(claims: readonly { readonly since: number }[]): Promise<void> {
    const isLong = this.#returning.size === 0 && claims.some(({ since }) => this.#quantaSince(since) >= 1);
    const now = isLong ? await runsAboveFairShare(this.#database) : new Set<string>();
    this.#above = [now, this.#above[0]];
  }

  /** Whether a claim that has had its slot for so many quanta gives it back. After a true it must. */
  isDue({ id, run, since }: ClaimedSlot, quanta: number): boolean {
    const isAsked = this.#above.every((runs) => runs.has(run)) && this.#quantaSince(since) >= quanta;
    if (!isAsked || this.#returning.size > 0) return this.#returning.has(id);
    this.#above = [new Set(), new Set()];
    this.#returning.add(id);
    return true;
  }

  /** A claim has ended; others may be asked. */
  end(id: string): void {
    this.#returning.delete(id);
  }

  #quantaSince(since: number): number {
    return (performance.now() - since) / this.#quantumMs;
  }
}
