import type { Amount } from '../../events/spending.ts';
import { createReservation, type Reservation, SLICE, type Wanted } from './reservation.ts';

export interface BudgetLimits {
  readonly unit: Amount;
  readonly run: Amount;
}

/** Which budget is used up. */
export interface Refusal {
  /** The budget of a unit or run, or the daily one of an installation or the server. */
  readonly refused: 'unit' | 'run' | 'installation' | 'server';
  readonly what: 'tokens' | 'cost';
  readonly limit: number;
  /** When the budget is renewed; null: it must be raised. Milliseconds since 1970. */
  readonly until: number | null;
}

/**
 * The budgets of one run. Spending and reservations together never exceed a limit, so units that race for the rest overspend
 * it by no more than the grace of their reservations.
 */
export class Budget {
  readonly #limits: BudgetLimits;
  readonly #run: Account;
  readonly #units = new Map<string, Account>();
  #settled = Promise.withResolvers<void>();

  /** `spent` is what earlier processes of the same run used, by unit. */
  constructor(limits: BudgetLimits, spent: ReadonlyMap<string, Amount> = new Map()) {
    this.#limits = limits;
    this.#run = new Account(limits.run);
    for (const [unit, amount] of spent) for (const account of this.#accounts(unit)) account.spend(amount);
  }

  /** Reserves a part; waits while other units hold the rest of the run's budget and may return it. */
  async reserve(unit: string, signal: AbortSignal): Promise<Reservation | Refusal> {
    for (;;) {
      signal.throwIfAborted();
      const [own, run] = this.#accounts(unit);
      for (const [refused, account] of [
        ['run', run],
        ['unit', own],
      ] as const) {
        const what = account.exhausted();
        if (what !== undefined) return { refused, what, limit: account.limit[what], until: null };
      }
      const first = this.#setAside(unit, { tokens: true, cost: true });
      if (first !== undefined) return this.#reservation(unit, first);
      await Promise.race([this.#settled.promise, aborted(signal)]);
    }
  }

  #accounts(unit: string): readonly [own: Account, run: Account] {
    let own = this.#units.get(unit);
    if (own === undefined) this.#units.set(unit, (own = new Account(this.#limits.unit)));
    return [own, this.#run];
  }

  /** Reserves a slice, or the rest if that is less; undefined when nothing is left. */
  #setAside(unit: string, wanted: Wanted): Amount | undefined {
    const accounts = this.#accounts(unit);
    const slice = (of: keyof Amount): number =>
      wanted[of] ? Math.min(...accounts.flatMap(({ limit, left }) => [limit[of] * SLICE, left[of]])) : 0;
    const amount = { tokens: Math.ceil(slice('tokens')), cost: slice('cost') };
    if ((wanted.tokens && amount.tokens <= 0) || (wanted.cost && amount.cost <= 0)) return undefined;
    for (const account of accounts) account.hold(amount);
    return amount;
  }

  #reservation(unit: string, first: Amount): Reservation {
    return createReservation(first, {
      growAt: 1,
      grow: (wanted) => this.#setAside(unit, wanted),
      settle: (held, { tokens, cost }) => {
        for (const account of this.#accounts(unit)) {
          account.release(held);
          account.spend({ tokens, cost: cost ?? 0 });
        }
        this.#settled.resolve();
        this.#settled = Promise.withResolvers();
      },
    });
  }
}

/** One limit, with its spent and reserved amounts. */
class Account {
  readonly limit: Amount;
  #used: Amount = { tokens: 0, cost: 0 };
  #held: Amount = { tokens: 0, cost: 0 };

  constructor(limit: Amount) {
    this.limit = limit;
  }

  get left(): Amount {
    return {
      tokens: this.limit.tokens - this.#used.tokens - this.#held.tokens,
      cost: this.limit.cost - this.#used.cost - this.#held.cost,
    };
  }

  /** Which part is used up by spending alone, without reservations. */
  exhausted(): 'tokens' | 'cost' | undefined {
    if (this.#used.tokens >= this.limit.tokens) return 'tokens';
    return this.#used.cost >= this.limit.cost ? 'cost' : undefined;
  }

  spend(amount: Amount): void {
    this.#used = sum(this.#used, amount, 1);
  }

  hold(amount: Amount): void {
    this.#held = sum(this.#held, amount, 1);
  }

  release(amount: Amount): void {
    this.#held = sum(this.#held, amount, -1);
  }
}

/** Infinite amounts (no limit) count as zero: they need no reservation. */
function sum(a: Amount, b: Amount, sign: 1 | -1): Amount {
  return {
    tokens: a.tokens + sign * b.tokens,
    cost: Number.isFinite(b.cost) ? a.cost + sign * b.cost : a.cost,
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
