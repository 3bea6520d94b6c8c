import { setTimeout as wait } from 'node:timers/promises';
import type { Ceilings } from '../../config/ceilings.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import type { Database } from '../../store/database/database.ts';
import { findReachedLimit, setAside, type Spender, type SpendingLimits } from '../../store/runs/budgets.ts';
import type { Refusal } from '../../worker/agent/budget.ts';
import { createReservation, type Reservation, SLICE } from '../../worker/agent/reservation.ts';
import { budgetOf } from '../run-start.ts';

/** A reservation grows when this part of it is used. */
const RENEW_AT = 0.5;
/** Poll interval while other units hold the rest of the budget. Milliseconds. */
const POLL_MS = 1_000;

/**
 * The budgets of a run whose units work in many processes. A reservation is a row that all of them count. The attempt's events
 * report its usage, and its end settles the reservation; neither is written here.
 */
export class SharedBudget {
  readonly #database: Database;
  readonly #spender: Spender;
  readonly #limits: SpendingLimits;

  constructor(database: Database, spender: Spender, limits: SpendingLimits) {
    this.#database = database;
    this.#spender = spender;
    this.#limits = limits;
  }

  /** Finds a budget that is used up before the unit has spent anything; undefined: none is. */
  async refusal(): Promise<Refusal | undefined> {
    return findReachedLimit(this.#database, this.#spender, this.#limits);
  }

  /** Reserves a part; waits while other units hold the rest of the run's budget and may return it. */
  async reserve(_unit: string, signal: AbortSignal): Promise<Reservation | Refusal> {
    for (;;) {
      signal.throwIfAborted();
      const answer = await setAside(this.#database, this.#spender, this.#limits, SLICE);
      if (answer.kind === 'held') return this.#reservation(answer.amount);
      if (answer.kind === 'used-up') return answer;
      await wait(POLL_MS, undefined, { signal });
    }
  }

  #reservation(first: SpendingLimits['run']): Reservation {
    const isCostBound = Object.values(this.#limits).some(({ cost }) => Number.isFinite(cost));
    return createReservation(isCostBound ? first : { ...first, cost: Number.POSITIVE_INFINITY }, {
      growAt: RENEW_AT,
      grow: async (wanted) => {
        const answer = await setAside(this.#database, this.#spender, this.#limits, SLICE, wanted);
        return answer.kind === 'held' ? answer.amount : undefined;
      },
      settle: () => {}, // the end of the attempt settles it
    });
  }
}

/** The limits of a started run, clamped to the current ceilings, and the daily ones. */
export function spendingLimits(limits: OrchStarted['limits'], ceilings: Ceilings): SpendingLimits {
  const { unit, run } = budgetOf(limits);
  const byCeiling = budgetCeilings(ceilings);
  return {
    unit,
    run: {
      tokens: Math.min(run.tokens, byCeiling.run.tokens),
      cost: Math.min(run.cost, byCeiling.run.cost),
    },
    installation: byCeiling.installation,
    server: byCeiling.server,
  };
}

/** The ceilings of all that is spent. */
export function budgetCeilings(ceilings: Ceilings): Omit<SpendingLimits, 'unit'> {
  return {
    run: { tokens: ceilings.CHOO_MAX_TOKENS_RUN, cost: ceilings.CHOO_MAX_COST_RUN },
    installation: {
      tokens: ceilings.CHOO_MAX_TOKENS_INSTALLATION_DAY,
      cost: ceilings.CHOO_MAX_COST_INSTALLATION_DAY,
    },
    server: { tokens: ceilings.CHOO_MAX_TOKENS_DAY, cost: ceilings.CHOO_MAX_COST_DAY },
  };
}
