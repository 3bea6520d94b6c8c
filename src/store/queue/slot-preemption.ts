import type { Database } from '../database/database.ts';
import { runsAboveFairShare } from './fair-share.ts';

/** A claim of this process, and when it got its slot, by `performance.now()`. */
interface ClaimedSlot {
  readonly id: string;
  readonly run: string;
  readonly since: number;
}

/** Preempts claims of one process, one at a time, for installations below their fair share. */
export class SlotPreemption {
  readonly #database: Database;
  readonly #quantumMs: number;
  /** Runs above their share in the last two polls: both must agree, because units queued just now are about to be claimed. */
  #above: readonly [ReadonlySet<string>, ReadonlySet<string>] = [new Set(), new Set()];
  readonly #releasing = new Set<string>();

  /** `quantumMs`: how long a claim keeps its slot at least. Milliseconds. */
  constructor(database: Database, quantumMs: number) {
    this.#database = database;
    this.#quantumMs = quantumMs;
  }

  /** Called each second. Queries the database only when a claim has had its slot for a quantum. */
  async poll(claims: readonly { readonly since: number }[]): Promise<void> {
    const isLong = this.#releasing.size === 0 && claims.some(({ since }) => this.#quantaSince(since) >= 1);
    const now = isLong ? await runsAboveFairShare(this.#database) : new Set<string>();
    this.#above = [now, this.#above[0]];
  }

  /** Whether a claim that has had its slot for `quanta` must release it. After a true it must. */
  isDue({ id, run, since }: ClaimedSlot, quanta: number): boolean {
    const isAbove = this.#above.every((runs) => runs.has(run)) && this.#quantaSince(since) >= quanta;
    if (!isAbove || this.#releasing.size > 0) return this.#releasing.has(id);
    this.#above = [new Set(), new Set()];
    this.#releasing.add(id);
    return true;
  }

  /** Forgets a claim that ended; others may be preempted. */
  end(id: string): void {
    this.#releasing.delete(id);
  }

  #quantaSince(since: number): number {
    return (performance.now() - since) / this.#quantumMs;
  }
}
